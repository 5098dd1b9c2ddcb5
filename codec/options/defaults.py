"""Defaults of all options, each written once."""

from __future__ import annotations

# PSNR in dB of arrays, and of shapes relative to their diagonal: high enough for a scan to
# look unchanged.
PSNR = 40.0
SHAPE_PSNR = 70.0
EFFORT = 3

# Choice by what is encoded: of the architecture, the entropy coder, the device and the tiles.
AUTO = "auto"
# Architectures that this choice falls on.
ARCHITECTURE_OF_ARRAYS = "pyramid"
ARCHITECTURE_OF_SHAPES = "shell"

PRUNER = "binary-mask"
QUANTISER = "uniform"
# Pruner that stands for no pruning.
NO_PRUNER = "none"

# Distances of shapes that have a side, which is the default.
SIGNED = "signed"
SDF = SIGNED
# Tiles encoded by threads of this process, which is the default.
THREADS = "threads"
SCHEDULER = THREADS
# Architecture of priors.
ARCHITECTURE_OF_PRIORS = "siren"
