"""`python -m codec` is `inrc`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or say how to get it."""
    try:
        from inrc_cli.main import main as run
    except ModuleNotFoundError as error:
        if error.name not in {"inrc_cli", "click"}:
            raise
        sys.stderr.write("the command line is not installed; run: pip install -e .\n")
        sys.exit(2)
    run()


if __name__ == "__main__":
    main()
