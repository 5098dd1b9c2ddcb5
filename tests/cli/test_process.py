"""What only a process of its own can show: imports, pipes, signals and `python -m codec`."""

from __future__ import annotations

import re
import sys
import time

import pytest

import codec
from tests.cli.conftest import only_line
from tests.conftest import Process

WITHOUT_COMMAND_LINE = """
import runpy, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "inrc_cli":
            raise ModuleNotFoundError("No module named 'inrc_cli'", name="inrc_cli")

sys.meta_path.insert(0, Absent())
runpy.run_module("codec", run_name="__main__")
"""


def test_importing_the_command_line_is_light(process: Process) -> None:
    program = (
        "import sys, time; start = time.process_time(); import inrc_cli.main;"
        "print(time.process_time() - start);"
        "print([name for name in ('torch', 'rich', 'inrc_plugins') if name in sys.modules])"
    )
    seconds = []
    for _ in range(3):
        result = process("-c", program)
        assert result.returncode == 0, result.stderr
        duration, heavy = result.stdout.splitlines()
        assert heavy == "[]"
        seconds.append(float(duration))
    # Of the processor, so that other programs do not count; twice the promise, for slower ones.
    assert min(seconds) < 0.3


def test_python_m_codec_is_inrc(process: Process) -> None:
    result = process("-m", "codec", "--version")
    assert (result.returncode, result.stdout) == (0, f"inrc {codec.__version__}\n")
    result = process("-m", "codec", "encode", "in.nc")
    assert result.returncode == 2
    assert "try 'inrc encode --help'" in only_line(result.stderr)


def test_python_m_codec_without_the_command_line_says_how_to_get_it(process: Process) -> None:
    result = process("-c", WITHOUT_COMMAND_LINE)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "pip install -e ." in result.stderr


def test_help_names_every_command_and_exit_code(process: Process) -> None:
    text = process("-m", "codec", "--help").stdout
    for word in ("encode", "decode", "info", "verify", "plugins", "completion", "130 interrupted"):
        assert word in text
    for command in ("encode", "info", "verify"):
        help_text = process("-m", "codec", command, "--help").stdout
        assert re.search(r"is\s+null", help_text)


def test_a_reader_that_leaves_is_no_error_to_shout_about(process: Process) -> None:
    program = (
        "import os, sys; read, write = os.pipe(); os.close(read); os.dup2(write, 1);"
        "sys.argv = ['inrc', '--help']; from inrc_cli.main import main; main()"
    )
    result = process("-c", program)
    assert result.stderr == ""
    assert result.returncode in (0, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
@pytest.mark.parametrize(
    ("name", "code", "word"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated")]
)
def test_a_signal_is_one_line_and_its_exit_code(
    process: Process, name: str, code: int, word: str
) -> None:
    program = (
        "import os, signal, sys, time, codec;"
        f"codec.info = lambda source: (os.kill(os.getpid(), signal.{name}), time.sleep(300));"
        "sys.argv = ['inrc', 'info', 'out.inrc']; from inrc_cli.main import main; main()"
    )
    start = time.monotonic()
    result = process("-c", program)
    assert result.returncode == code
    assert only_line(result.stderr) == f"inrc: {word}"
    assert time.monotonic() - start < 300


def test_completion_answers_for_commands_and_options(process: Process) -> None:
    program = (
        "import os, sys; os.environ |= dict(_INRC_COMPLETE='bash_complete',"
        " COMP_WORDS='inrc encode --ps', COMP_CWORD='2');"
        "sys.argv = ['inrc']; from inrc_cli.main import main; main()"
    )
    assert "--psnr" in process("-c", program).stdout
