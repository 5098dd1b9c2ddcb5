"""Finding the prior that an item names: among those of the software, then in INRC_PRIORS."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from codec.errors import FormatError, InvalidInputError, LimitError, UnsupportedError
from codec.format.prior_file import Prior, name_in
from codec.limits import Limits

VARIABLE = "INRC_PRIORS"
SUFFIX = ".inrcprior"

# Greatest size of a prior's file, rates and all.
_MOST_BYTES = 64 << 20

_log = logging.getLogger("inrc")


def read_prior(path: str | os.PathLike[str], limits: Limits | None = None) -> Prior:
    """The prior in a file.

    Raises:
        InvalidInputError: it cannot be read.
        FormatError: it is no prior, or damaged; the message names the file.
        LimitError: it is larger than a prior may be.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > _MOST_BYTES:
            raise LimitError(f"{file}: {size} bytes; a prior has at most {_MOST_BYTES}")
        data = file.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{file}: cannot be read: {error.strerror or error}") from error
    try:
        prior = Prior.from_bytes(data)
        (limits or Limits()).check("parameters", len(prior.values))
    except FormatError as error:
        raise type(error)(f"{file}: {error}") from error
    return prior


def find_prior(name: bytes, packaged: Iterable[Path]) -> Prior:
    """The prior called `name`.

    Args:
        packaged: files that come with the architecture, looked at first.

    Raises:
        FormatError: it is here, and breaks a rule.
        UnsupportedError: it is not here; the message says where it would be looked for.
    """
    for path in [*packaged, *_configured()]:
        try:
            prior = read_prior(path)
        except (FormatError, InvalidInputError) as error:
            if isinstance(error, FormatError) and _is_called(path, name):
                raise
            _log.warning("prior left out: %s", error)
            continue
        if prior.name == name:
            return prior
    raise UnsupportedError(
        f"this needs the prior {name.hex()}, which is not here; put its {SUFFIX} file into a "
        f"folder and name the folder in the environment variable {VARIABLE}",
        section="ITEM",
    )


def _is_called(path: Path, name: bytes) -> bool:
    """Whether a file that is no good prior has the core that `name` is the hash of."""
    size = path.stat().st_size
    return size <= _MOST_BYTES and name_in(path.read_bytes()) == name


def _configured() -> Iterator[Path]:
    """Files of the folders in INRC_PRIORS, in order."""
    for folder in os.environ.get(VARIABLE, "").split(os.pathsep):
        if folder:
            yield from sorted(Path(folder).glob(f"*{SUFFIX}"))
