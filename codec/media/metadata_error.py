"""The error for metadata of a medium that break a rule of `format_spec/metadata.md`."""

from __future__ import annotations

from codec.errors import CorruptError


def metadata_error(subject: str, complaint: str) -> CorruptError:
    """The error to raise.

    Args:
        subject: whose metadata they are: "the arrays", "the image".
        complaint: what is wrong with them.
    """
    return CorruptError(f"metadata of {subject}: {complaint}", section="mETa")
