"""Bytes of the format: sections and headers; knows no tensor, network or medium."""
