"""Zarr stores of version 2 and 3."""
