"""Loops compiled by numba, whose machine code is kept on disk and loaded without numba."""

from codec.compiling.kernels import compiled, instruction

__all__ = ["compiled", "instruction"]
