"""The name that `pip install inrc` promises works, and is the same thing as `codec`."""

from __future__ import annotations

import codec
from tests.conftest import Process

HEADLINE = "Scientific volumes, images and shapes"


def test_import_inrc_gives_the_objects_of_codec(process: Process) -> None:
    done = process(
        "-c",
        "import codec, inrc\n"
        "assert inrc.__all__ == codec.__all__\n"
        "assert all(getattr(inrc, name) is getattr(codec, name) for name in inrc.__all__)\n"
        "print(inrc.__version__)",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == codec.__version__


def test_python_m_inrc_is_the_command(process: Process) -> None:
    done = process("-m", "inrc", "--help")
    assert done.returncode == 0, done.stderr
    assert HEADLINE in done.stdout
    assert done.stdout == process("-m", "codec", "--help").stdout
