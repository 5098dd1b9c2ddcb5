"""Builders of files: encoders that the vectors and the checks of the decoder use."""
