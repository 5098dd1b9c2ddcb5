"""Valid conformance vectors, read from their folder, to be damaged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codec.plugin_api.prior_lookup import SUFFIX, VARIABLE

FOLDER = Path(__file__).resolve().parents[2] / "conformance" / "vectors" / "v1"


@dataclass(frozen=True)
class Vector:
    """Conformance vector.

    Attributes:
        name: topic and case of the vector.
        path: file; its priors lie beside it.
    """

    name: str
    path: Path

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        return self.path.read_bytes()

    @contextmanager
    def priors(self) -> Iterator[None]:
        """Context in which the reader finds the priors beside the file and no others."""
        before = os.environ.get(VARIABLE)
        folder = self.path.parent
        os.environ[VARIABLE] = str(folder) if any(folder.glob(f"*{SUFFIX}")) else ""
        try:
            yield
        finally:
            os.environ.pop(VARIABLE)
            if before is not None:
                os.environ[VARIABLE] = before


def valid_vectors(folder: Path = FOLDER) -> list[Vector]:
    """Valid vectors in the order of their names."""
    paths = sorted((folder / "valid").glob("*/*/input.inrc"))
    return [Vector("/".join(path.parts[-3:-1]), path) for path in paths]
