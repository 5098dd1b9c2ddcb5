"""Architectures: families of models, a folder each."""
