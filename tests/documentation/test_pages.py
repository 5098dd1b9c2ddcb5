"""Pages are readable as they stand: short lines, a purpose and a command first, links that resolve.

What a page names has to exist: files behind links, files of the repository in backticks, targets
of the Makefile, commands of `inrc` and their options.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

import codec
from inrc_cli.main import inrc

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 100
BEGINNING = 15
"""Lines of a page within which its purpose and a command stand."""

DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *DOCS,
    *sorted((ROOT / "conformance").glob("*.md")),
    ROOT / "conformance" / "decoders" / "js" / "README.md",
    *sorted((ROOT / "format_spec").rglob("*.md")),
]

_FENCE = re.compile(r"^\s*```")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`]+)`")
_SENTENCE = re.compile(r"[A-Z][^.:]{20,}[.:](\s|$)", re.DOTALL)
_PROGRAM = re.compile(r"^(\$ )?(inrc|inrc-conformance|make|python|pip|node|npm) \S")
_REPOSITORY_PATH = re.compile(
    r"^(docs|tests|benchmarks|format_spec|conformance|codec|plugins|cli)/[\w./-]+$"
)
_PUBLIC_NAME = re.compile(r"(?<![\w.-])(?:codec|inrc)\.([A-Za-z]\w*)")
_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)


@dataclass(frozen=True)
class Line:
    """A line of a page, and whether it belongs to a block of code."""

    number: int
    text: str
    is_code: bool


def page_lines(text: str) -> list[Line]:
    """Tell code from prose: blocks in fences, and lines of four spaces after an empty line."""
    lines: list[Line] = []
    fenced = indented = in_list = False
    before = ""
    for number, line in enumerate(text.splitlines(), start=1):
        fence = _FENCE.match(line) is not None
        if line.strip() and not line.startswith(" "):
            in_list = re.match(r"[-*] |\d+\. ", line) is not None
        starts_block = line.startswith("    ") and not before.strip() and not in_list
        indented = starts_block or (indented and (line.startswith("    ") or not line.strip()))
        lines.append(Line(number, line, fenced or fence or (indented and bool(line.strip()))))
        fenced ^= fence
        before = line
    return lines


def long_lines(text: str) -> list[str]:
    """Lines of prose beyond the width; tables and lines with a URL may be long."""
    return [
        f"{line.number}: {len(line.text)} characters"
        for line in page_lines(text)
        if len(line.text) > WIDTH
        and not line.is_code
        and not line.text.lstrip().startswith("|")
        and "://" not in line.text
    ]


def has_purpose(text: str) -> bool:
    """Whether a sentence stands at the beginning of a page, outside code and headings."""
    prose = "\n".join(
        line.text
        for line in page_lines(text)[:BEGINNING]
        if not line.is_code and not line.text.startswith(("#", "|", "Status:"))
    )
    return _SENTENCE.search(prose) is not None


def has_command(text: str) -> bool:
    """Whether a block of code with a command stands at the beginning of a page."""
    return any(
        line.is_code and _PROGRAM.match(line.text.strip()) is not None
        for line in page_lines(text)[:BEGINNING]
    )


def broken_links(page: Path, text: str) -> list[str]:
    """Relative links without a file, or to a heading that the file does not have."""
    prose = "\n".join(line.text for line in page_lines(text) if not line.is_code)
    broken = []
    for link in _LINK.findall(_SPAN.sub("", prose)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    return broken


def _anchors(page: Path) -> set[str]:
    """Anchors of the headings of a page, as Git hosts make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing_files(text: str) -> list[str]:
    """Files of the repository that a page names in backticks, and that do not exist."""
    paths = (span.partition("::")[0] for span in code_spans(text))
    return [path for path in paths if _REPOSITORY_PATH.match(path) and not (ROOT / path).exists()]


def code_spans(text: str) -> list[str]:
    """Code between backticks in the prose of a page, each with single spaces."""
    prose = "\n".join("" if line.is_code else line.text for line in page_lines(text))
    return [" ".join(span.split()) for span in _SPAN.findall(prose)]


def commands(text: str, program: str) -> Iterator[list[str]]:
    """Arguments of each call of a program, in blocks of code and in backticks."""
    block = "\n".join(line.text.strip() for line in page_lines(text) if line.is_code)
    calls = block.replace("\\\n", " ").splitlines()
    for call in [*calls, *code_spans(text)]:
        call = call.removeprefix("$ ").partition("  #")[0]
        if call.startswith(program + " "):
            yield shlex.split(call)[1:]


def unknown_targets(text: str, targets: set[str]) -> list[str]:
    """Targets of `make` that the Makefile does not have."""
    return [
        word
        for arguments in commands(text, "make")
        for word in arguments
        if re.fullmatch(r"[a-z][a-z-]*", word) and word not in targets
    ]


def unknown_words(text: str) -> list[str]:
    """Commands of `inrc` that do not exist, and options that a command does not have."""
    return [
        complaint
        for arguments in commands(text, "inrc")
        if arguments[0].islower()
        for complaint in _complaints(inrc, arguments)
    ]


def _complaints(command: click.Command, arguments: list[str]) -> Iterator[str]:
    while isinstance(command, click.Group) and arguments and arguments[0].islower():
        if arguments[0].startswith("-"):
            break
        if arguments[0] not in command.commands:
            yield f"{command.name} {arguments[0]}"
            return
        command, arguments = command.commands[arguments[0]], arguments[1:]
    options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    for word in arguments:
        option = word.partition("=")[0]
        if re.fullmatch(r"--?[a-z][a-z-]*", option) and option not in options:
            yield f"{command.name} {option}"


def unknown_names(text: str) -> list[str]:
    """Public names of the package that pages use, and that it does not have."""
    code = [line.text for line in page_lines(text) if line.is_code] + code_spans(text)
    names = [name for words in code for name in _PUBLIC_NAME.findall(words)]
    return [name for name in names if not hasattr(codec, name)]


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture(params=PAGES, ids=_name)
def page(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_lines_of_prose_fit_into_the_width(page: Path) -> None:
    assert long_lines(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", DOCS, ids=_name)
def test_a_page_begins_with_its_purpose_and_a_command(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert has_purpose(text), "no sentence at the beginning says what the page is for"
    assert has_command(text), "no command in a block of code at the beginning"


def test_relative_links_lead_to_files(page: Path) -> None:
    assert broken_links(page, page.read_text(encoding="utf-8")) == []


def test_files_that_pages_name_exist(page: Path) -> None:
    assert missing_files(page.read_text(encoding="utf-8")) == []


def test_targets_of_make_exist(page: Path) -> None:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    assert unknown_targets(page.read_text(encoding="utf-8"), targets) == []


def test_commands_of_inrc_and_their_options_exist(page: Path) -> None:
    assert unknown_words(page.read_text(encoding="utf-8")) == []


def test_names_of_the_package_exist(page: Path) -> None:
    assert unknown_names(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("text", ["word " * 21, "- " + "word " * 20, "`" + "x" * 100 + "`"])
def test_a_long_line_is_noticed(text: str) -> None:
    assert long_lines(f"# Title\n\n{text}\n")


@pytest.mark.parametrize(
    "text", ["| " + "cell " * 30 + "|", "```sh\n" + "x" * 120 + "\n```", "https://" + "x" * 120]
)
def test_tables_code_and_urls_may_be_long(text: str) -> None:
    assert long_lines(f"# Title\n\n{text}\n") == []


def test_a_page_without_a_purpose_or_a_command_is_noticed() -> None:
    assert not has_purpose("# Title\n\n```sh\ninrc info This would be a sentence in code.\n```\n")
    assert not has_command("# Title\n\nThe command `inrc info` is not in a block of code.\n")
    assert not has_command("# Title\n" + "\nThis page begins late.\n" * 8 + "\n    $ inrc info x\n")


def test_what_does_not_exist_is_noticed() -> None:
    page = ROOT / "docs" / "tiles.md"
    assert broken_links(page, "[a](nowhere.md), [b](#nowhere), [c](media.md#nowhere)") == [
        "nowhere.md",
        "#nowhere",
        "media.md#nowhere",
    ]
    assert broken_links(page, "[a](media.md#axes), [b](../README.md), [c](https://x.org)") == []
    assert missing_files("`tests/nowhere.py::test_x` and `docs/tiles.md`") == ["tests/nowhere.py"]
    assert unknown_targets("Run `make nothing`, then `make test`.", {"test"}) == ["nothing"]
    assert unknown_words("`inrc sing` and `inrc plugins dance`") == ["inrc sing", "plugins dance"]
    assert unknown_words("    $ inrc info --song x\n") == ["info --song"]
    assert unknown_names("`codec.sing`, `inrc.open`, `t.inrc`") == ["sing"]


def test_the_readme_installs_and_runs_before_it_explains() -> None:
    """A picture, `pip install`, shell, Python, `make demo` and `make test`, in this order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    order = ["![", "pip install inrc", "```sh\ncp ", "```python\n", "make demo", "make test"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    python = text.split("```python\n", 1)[1].split("```", 1)[0]
    shell = text.split("```sh\ncp ", 1)[1].split("```", 1)[0]
    assert len(python.strip().splitlines()) == len(shell.strip().splitlines()) == 5
