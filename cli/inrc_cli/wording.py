"""Text from files and systems, made safe to show on one line of a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """`text` with control characters escaped: names in a file must not steer the terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def one_line(text: str) -> str:
    """`text` with every run of white space as one space, and `printable`."""
    return printable(" ".join(text.split()))
