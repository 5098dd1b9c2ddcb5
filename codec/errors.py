"""The one error tree of inrc.

    InrcError
    ├── InvalidInputError     the input cannot be used as it is
    │   └── InvalidOptionError  an option is wrong, not a file
    ├── TargetError           a rate or quality target was not reached; the message says what was
    ├── VerificationError     decoded values break a promise that the file or the caller made
    ├── MissingDependencyError  an optional package is needed for this and is not installed
    └── FormatError           something is wrong with an `.inrc` file
        ├── TruncatedError    the file ends before it should
        ├── CorruptError      the bytes break a rule of the format
        ├── UnsupportedError  the file is fine but needs something this reader does not have
        └── LimitError        the file asks for more than the reader's `Limits` allow
            └── MemoryLimitError  it asks for more than the memory of the machine

A `FormatError` names the section and the byte offset that it is about, where these are known.
"""

from __future__ import annotations


class InrcError(Exception):
    """Base class of every error that inrc raises on purpose."""


class InvalidInputError(InrcError):
    """The input, or an option, cannot be used; the message names it and the way out."""


class InvalidOptionError(InvalidInputError):
    """An option makes no sense, contradicts another, or names something that does not exist."""


class TargetError(InrcError):
    """The asked-for rate or quality was not reached; the message says what was reached."""


class VerificationError(InrcError):
    """Decoded values break a promise: an error bound, a mask, or the caller's own threshold."""


class MissingDependencyError(InrcError):
    """An optional package is needed; the message says which and how to install it."""

    @classmethod
    def without_torch(cls, purpose: str) -> MissingDependencyError:
        """Error for a purpose that needs PyTorch, where it is not installed."""
        return cls(
            f"{purpose} needs PyTorch (opening and decoding files does not):"
            " pip install 'inrc[torch]'"
        )


class FormatError(InrcError):
    """Something is wrong with an `.inrc` file.

    Args:
        message: one line, without a trailing full stop.
        section: four-letter type of the section concerned, if known.
        offset: byte offset from the start of the file, if known.
    """

    def __init__(self, message: str, *, section: str | None = None, offset: int | None = None):
        super().__init__(message)
        self.message = message
        self.section = section
        self.offset = offset

    def __str__(self) -> str:
        place = []
        if self.section is not None:
            place.append(f"section {self.section}")
        if self.offset is not None:
            place.append(f"byte {self.offset}")
        return f"{self.message} ({', '.join(place)})" if place else self.message


class TruncatedError(FormatError):
    """The file ends before it should."""


class CorruptError(FormatError):
    """The bytes break a rule of the format."""


class UnsupportedError(FormatError):
    """The file needs a version, section, coder or plugin that this reader does not have."""


class LimitError(FormatError):
    """The file declares more than the reader's `Limits` allow."""


class MemoryLimitError(LimitError, MemoryError):
    """The file keeps the `Limits`, but there is not enough memory to read it."""
