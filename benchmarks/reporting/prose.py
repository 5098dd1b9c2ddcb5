"""Prose of generated pages, wrapped as the hand-written pages are."""

from __future__ import annotations

import textwrap

WIDTH = 100
"""Longest line of prose, in characters."""


def wrapped(text: str, width: int = WIDTH) -> str:
    """Wrap the long lines of a Markdown text; tables, headings, code and URLs stay as they are."""
    fenced = False
    lines: list[str] = []
    for line in text.split("\n"):
        fenced ^= line.startswith("```")
        if fenced or len(line) <= width or line.startswith(("|", "#", "    ")) or "://" in line:
            lines.append(line)
            continue
        indent = "  " if line.startswith("- ") else ""
        lines += textwrap.wrap(
            line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
    return "\n".join(lines)
