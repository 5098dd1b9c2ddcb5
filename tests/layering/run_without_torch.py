"""Runs commands and functions of inrc in a process in which PyTorch cannot be imported.

Used by `test_without_torch.py`: `python run_without_torch.py CASES FOLDER`. CASES is a JSON file,
a list of {"name", "arguments" or "source", "files"}; the outcomes go to standard output as JSON.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

# What `import torch` and `importlib.util.find_spec("torch")` meet where it is not installed.
sys.modules["torch"] = None  # type: ignore[assignment]


def contents(folder: Path) -> dict[str, str]:
    """Digest of each file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def command(arguments: list[str]) -> int:
    """Exit code of a command line."""
    from inrc_cli.main import inrc

    try:
        inrc.main(arguments, prog_name="inrc")
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def function(source: str) -> int:
    """Exit code of a call: 1 where it raises an error of inrc, 2 where an import fails."""
    import codec

    try:
        exec(source, {"codec": codec, "digest": digest})  # noqa: S102 - of the test itself
    except codec.InrcError as error:
        sys.stderr.write(f"inrc: {error}\n")
        return 1
    except ImportError as error:
        sys.stderr.write(f"{error!r}\n")
        return 2
    return 0


def digest(values: Any) -> None:
    """Print the digest of an array."""
    print(hashlib.sha256(values.tobytes()).hexdigest())  # noqa: T201 - the outcome of a case


def outcome(case: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Exit code, output and changed files of one case, in a folder of its own."""
    folder.mkdir()
    for file in case["files"]:
        shutil.copy(file, folder)
    before = contents(folder)
    os.chdir(folder)
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        code = command(case["arguments"]) if "arguments" in case else function(case["source"])
    after = contents(folder)
    return {
        "code": code,
        "output": output.getvalue(),
        "errors": errors.getvalue(),
        "changed": sorted(name for name in before | after if before.get(name) != after.get(name)),
    }


def main() -> None:
    cases, folder = json.loads(Path(sys.argv[1]).read_text("utf-8")), Path(sys.argv[2])
    outcomes = {}
    for number, case in enumerate(cases):
        outcomes[case["name"]] = outcome(case, folder / str(number))
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main()
