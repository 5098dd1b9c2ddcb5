"""Coverage-guided fuzzing of the parsers with atheris: `make fuzz`, or

    python tests/fuzzing/fuzz.py [--parser NAME] [--seconds 600] [--corpus FOLDER]

Each parser runs in a process of its own, so that one that dies does not end the others. The exit
code is 1 where anything but an `InrcError` left a parser; what made it do so is kept in the corpus'
folder, with a log of each parser.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import sys
import warnings
from pathlib import Path

import atheris

_ROOT = Path(__file__).resolve().parents[2]
# numba cannot compile what is instrumented.
_COMPILED = [
    ".".join(path.relative_to(root).with_suffix("").parts)
    for root, package in ((_ROOT, "codec"), (_ROOT / "plugins", "inrc_plugins"))
    for path in (root / package).rglob("*.py")
    if "numba" in path.read_text(encoding="utf-8")
]
with atheris.instrument_imports(include=["codec", "inrc_plugins"], exclude=_COMPILED):
    from codec.errors import InrcError
    from tests.parsers import PARSERS

# One input that takes longer, or more memory, counts as a fault.
SECONDS_PER_INPUT, MEGABYTES = 20, 4096
LONGEST_INPUT = 4096


def main() -> int:
    options = _options()
    options.corpus.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in options.parser or PARSERS:
        # A child has all modules already; importing them instrumented takes longest.
        context = multiprocessing.get_context("fork")
        log = options.corpus / f"{name.replace(' ', '-')}.log"
        child = context.Process(target=_fuzz, args=(name, options.seconds, options.corpus, log))
        child.start()
        child.join()
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        tried = [line for line in lines if "number_of_executed_units" in line]
        print(f"{name}: {' '.join(tried) or 'no count'}, exit code {child.exitcode}", flush=True)
        if child.exitcode:
            failed.append(name)
            print("\n".join(lines[-40:]), file=sys.stderr)
    print(f"faults in: {', '.join(failed)}" if failed else "no faults")
    return 1 if failed else 0


def _fuzz(name: str, seconds: int, corpus: Path, log: Path) -> None:
    # libFuzzer writes to the descriptor, not to sys.stderr.
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    parse, legal = PARSERS[name]
    logging.disable()
    warnings.simplefilter("ignore")
    folder = corpus / name.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(legal):
        (folder / f"legal-{number}").write_bytes(data)

    def one_input(data: bytes) -> None:
        try:
            parse(data)
        except InrcError:
            return

    limits = [f"-timeout={SECONDS_PER_INPUT}", f"-rss_limit_mb={MEGABYTES}"]
    limits += [f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}"]
    kept = [f"-artifact_prefix={folder}-fault-", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *limits, *kept, str(folder)], one_input)
    atheris.Fuzz()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parser", action="append", choices=[*PARSERS], help="[all of them]")
    parser.add_argument("--seconds", type=int, default=600, help="per parser [600]")
    parser.add_argument("--corpus", type=Path, default=Path(".fuzz"), help="folder [.fuzz]")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
