"""Types of NumPy arrays by their dtype, and of tensors, for annotations.

Shapes and meanings are stated where an array is used: a type says only what its elements are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
BoolArray = npt.NDArray[np.bool_]
Int8Array = npt.NDArray[np.int8]
Int16Array = npt.NDArray[np.int16]
Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]
UInt8Array = npt.NDArray[np.uint8]
UInt16Array = npt.NDArray[np.uint16]
UInt32Array = npt.NDArray[np.uint32]
UInt64Array = npt.NDArray[np.uint64]
Float32Array = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
# Floats of either precision.
FloatArray = npt.NDArray[np.floating[Any]]

# Tensors of PyTorch, in interfaces below `codec.training`, which alone imports PyTorch.
Tensor = Any
