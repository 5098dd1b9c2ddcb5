"""Interfaces between the codec and its plugins, and the registry that finds plugins by name."""
