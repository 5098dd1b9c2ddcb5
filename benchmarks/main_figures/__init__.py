"""Figures of `make bench-main`: sizes, speed and memory."""
