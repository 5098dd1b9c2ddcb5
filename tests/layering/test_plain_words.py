"""Docstrings and comments begin with their noun or verb, so that each is understood alone."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_FOLDERS = ("codec", "plugins", "cli", "conformance", "benchmarks")
_ANYWHERE = "What|Of|Those|That of|Whoever|Nothing|None of"
_DOCSTRING = re.compile(rf"({_ANYWHERE}|Where|Which|How|As)\b")
_COMMENT = re.compile(rf"#:? ?({_ANYWHERE})\b")


def _complaints(source: str) -> list[str]:
    """First lines of the docstrings and comments of a module that begin with a forbidden word."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    docstrings = [
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(source))
        if isinstance(node, documented)
    ]
    # A line that goes on with the comment above may begin with any word.
    comments, last_row = [], -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] != last_row + 1:
                comments.append(token.string)
            last_row = token.start[0]
    return [
        *(text.splitlines()[0] for text in docstrings if _DOCSTRING.match(text)),
        *(text for text in comments if _COMMENT.match(text)),
    ]


@pytest.mark.parametrize("folder", _FOLDERS)
def test_docstrings_and_comments_begin_with_their_noun_or_verb(folder: str) -> None:
    complaints = [
        f"{path.relative_to(_ROOT)}: {line}"
        for path in sorted((_ROOT / folder).rglob("*.py"))
        for line in _complaints(path.read_text(encoding="utf-8"))
    ]
    assert not complaints, "\n".join(complaints)


def test_a_forbidden_first_word_is_seen() -> None:
    assert _complaints('"""What a caller may ask."""\n# Of Adam.\n') == [
        "What a caller may ask.",
        "# Of Adam.",
    ]
    assert not _complaints('"""Options of a caller."""\n# Epsilon\n# Of Adam.\n')
