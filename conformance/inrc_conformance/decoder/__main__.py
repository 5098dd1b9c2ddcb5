"""Command line of the reference decoder: `decode IN OUTDIR`, or `batch` for JSON lines."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ..console import say
from .decode import decode_bytes
from .errors import DecodeError
from .output import write_outputs


def _decode(source: str, directory: str) -> DecodeError | None:
    """Decode one file; return the refusal, if there was one."""
    try:
        decoded = decode_bytes(Path(source).read_bytes())
    except DecodeError as error:
        return error
    write_outputs(decoded, Path(directory))
    return None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).encode("ascii", "backslashreplace").decode("ascii")


def _batch() -> int:
    """Answer requests, one JSON object a line, until the input ends."""
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"id": request["id"], "status": "ok", "error": ""}
        try:
            refusal = _decode(request["input"], request["outdir"])
        except OSError as error:
            answer.update(status="error", error=_one_line(error))
        else:
            if refusal is not None:
                answer.update(status=refusal.outcome, error=_one_line(refusal))
        say(json.dumps(answer))
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code is 0, 3 malformed, 4 unsupported or 5 limit."""
    parser = argparse.ArgumentParser(prog="inrc-reference-decoder", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    decode = commands.add_parser("decode", help="decode one file into a folder")
    decode.add_argument("input")
    decode.add_argument("outdir")
    commands.add_parser("batch", help="answer JSON lines on standard input")
    options = parser.parse_args(arguments)
    if options.command == "batch":
        return _batch()
    try:
        refusal = _decode(options.input, options.outdir)
    except OSError as error:
        say(f"error: {_one_line(error)}", error=True)
        return 1
    if refusal is None:
        return 0
    say(f"{refusal.outcome}: {_one_line(refusal)}", error=True)
    return refusal.exit_code


if __name__ == "__main__":
    sys.exit(main())
