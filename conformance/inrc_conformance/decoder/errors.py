"""The three ways in which a file can be refused (section 1 of the format text)."""

from __future__ import annotations


class DecodeError(Exception):
    """A file was refused; `outcome` is the word used by the test protocol."""

    outcome = "error"
    exit_code = 1


class Malformed(DecodeError):  # noqa: N818 - named as the outcome
    """The bytes break a rule of the format, or the file ends early."""

    outcome = "malformed"
    exit_code = 3


class Unsupported(DecodeError):  # noqa: N818 - named as the outcome
    """The bytes are legal but need something that this decoder lacks."""

    outcome = "unsupported"
    exit_code = 4


class Limit(DecodeError):  # noqa: N818 - named as the outcome
    """The file asks for more than the decoder allows."""

    outcome = "limit"
    exit_code = 5
