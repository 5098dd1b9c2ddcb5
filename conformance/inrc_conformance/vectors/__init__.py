"""Generators of the vectors."""
