"""Builders of files for the vectors: sections, items and the streams in them."""
