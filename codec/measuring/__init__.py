"""Measurements of decoded values against the original."""
