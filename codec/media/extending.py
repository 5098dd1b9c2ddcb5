"""Two files of one medium put together along a dim: verbatim variables, and the metadata."""

from __future__ import annotations

from codec.errors import InvalidInputError
from codec.media.described import Along, Described
from codec.media.table import media, medium_of


def extended(before: Described, added: Described, along: Along) -> Described:
    """A file with the variables of another behind its own along a dim.

    What has no such dim stays as it is.

    Raises:
        InvalidInputError: the files do not fit together.
    """
    medium = medium_of(before.medium)
    if not medium.grows:
        *names, last = [row.id for row in media() if row.grows]
        raise InvalidInputError(
            f"it cannot be put behind a file from {before.medium or 'an unknown medium'}, only "
            f"behind one from {', '.join(names)} or {last}"
        )
    if medium_of(added.medium) is not medium:
        raise InvalidInputError(
            f"it is {added.medium}, and the file is from {before.medium}; convert one of them"
        )
    return medium.metadata.extended(before, added, along)
