"""Deliberately wrong decoders, which the suite has to catch."""
