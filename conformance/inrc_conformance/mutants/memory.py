"""Wrong decoders whose models of section 7.4 share what they learned."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from ..decoder import decode
from ..decoder.lattice import Lattice
from ..decoder.lattice_model import LatticeModel
from .mutant import Patches

_DECODE_INTEGERS = decode._decode_integers
_MEMORY = ("magnitude", "zero", "sign")


def remembering(*modules: Any) -> Patches:
    """Go on with what the first model of the file learned, in all models of some modules."""

    def wrong(parts: Any) -> Any:
        models: list[LatticeModel] = []

        def model(lattice: Lattice) -> LatticeModel:
            new = LatticeModel(lattice)
            for name in _MEMORY if models else ():
                setattr(new, name, getattr(models[0], name))
            models.append(new)
            return new

        with ExitStack() as patched:
            for module in modules:
                patched.enter_context(patch.object(module, "LatticeModel", model))
            return _DECODE_INTEGERS(parts)

    return ((decode, "_decode_integers", wrong),)
