"""Arguments that several commands share, and the syntax of sizes, name lists and regions."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NoReturn

import click

from codec.options import defaults
from codec.options.encode import AUTOMATIC_TILE, DEVICES, THREADS, WHOLE

_SIZE = re.compile(r"(\d+\.?\d*|\.\d+)\s*([kKmMgG]?)[bB]?", re.ASCII)
_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_SIZES = re.compile(r"[1-9]\d*", re.ASCII)
_STEPS = re.compile(r"-?\d+", re.ASCII)


class SizeType(click.ParamType[int]):
    """A number of bytes: 20000, 20k, 1.5M, 2GB (k = 1000)."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the whole number of bytes in `value`."""
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value!r} is not a size; write 20000, 20k or 1.5M", param, ctx)
        size = Decimal(match[1]) * _FACTORS[match[2].lower()]
        if size != int(size):
            self.fail(f"{value!r} is not a whole number of bytes", param, ctx)
        return int(size)


class ShapeType(click.ParamType[tuple[int, ...]]):
    """Sizes between commas: 128,128,64."""

    name = "shape"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Return the sizes in `value`, in order."""
        if isinstance(value, tuple):
            return value
        sizes = [size.strip() for size in re.split(r"[,xX]", str(value))]
        if not all(re.fullmatch(r"[1-9]\d*", size, re.ASCII) for size in sizes):
            self.fail(f"{value!r} is not a shape; write 128,128,64", param, ctx)
        return tuple(map(int, sizes))


class NamesType(click.ParamType[tuple[str, ...]]):
    """Names between commas."""

    name = "names"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names in `value`, in order."""
        names = tuple(name.strip() for name in str(value).split(","))
        if not all(names):
            self.fail(f"{value!r} is not a list of names like t,u", param, ctx)
        return names


class TileType(click.ParamType[str | tuple[int, ...]]):
    """How fields are cut: auto, none, or one size per axis as in 64x64x64."""

    name = "tile"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | tuple[int, ...]:
        """Return "auto", "none" or the sizes."""
        if isinstance(value, tuple):
            return value
        if value in (AUTOMATIC_TILE, WHOLE):
            return str(value)
        sizes = str(value).split("x")
        if not all(_SIZES.fullmatch(size) for size in sizes):
            self.fail(f"{value!r} is not a tile; write auto, none or 64x64x64", param, ctx)
        return tuple(map(int, sizes))


class RegionType(click.ParamType[dict[str, slice | int]]):
    """Indices and slices by dimension: t=3,lat=10:40,lon=::2, or by position: 0=3."""

    name = "region"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, slice | int]:
        """Return dimension name or position -> index or slice."""
        if isinstance(value, dict):
            return value
        region: dict[str, slice | int] = {}
        for part in str(value).split(","):
            dim, equals, index = (piece.strip() for piece in part.partition("="))
            if not (dim and equals and index):
                self._refuse(f"{part!r} is not of the form DIM=INDEX or DIM=START:STOP", param, ctx)
            if dim in region:
                self._refuse(f"{dim!r} is given twice", param, ctx)
            region[dim] = self._index(index, param, ctx)
        return region

    def _index(
        self, text: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> slice | int:
        pieces = [piece.strip() for piece in text.split(":")]
        if len(pieces) > 3 or any(piece and not _STEPS.fullmatch(piece) for piece in pieces):
            self._refuse(f"{text!r} is neither an index nor START:STOP:STEP", param, ctx)
        if len(pieces) == 1:
            return int(text)
        numbers = [int(piece) if piece else None for piece in pieces]
        if len(numbers) == 3 and numbers[2] == 0:
            self._refuse(f"{text!r} has step 0", param, ctx)
        return slice(*numbers)

    def _refuse(
        self, message: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> NoReturn:
        self.fail(f"{message}; write t=3,lat=10:40,lon=::2", param, ctx)


class BetweenType(click.ParamType[tuple[float, float]]):
    """One number, or two between which something lies: 40 or 35:50."""

    name = "between"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        """Return the two ends, the lower one first."""
        if isinstance(value, tuple):
            return value
        try:
            numbers = [float(part) for part in str(value).split(":")]
        except ValueError:
            numbers = []
        if not 1 <= len(numbers) <= 2 or not all(0 < one < 1000 for one in numbers):
            self.fail(f"{value!r} is neither a number nor two like 35:50", param, ctx)
        return min(numbers), max(numbers)


class SettingType(click.ParamType[tuple[str, str]]):
    """One setting of a plugin: arch.width=64."""

    name = "setting"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return the setting's full name and the text of its value."""
        if isinstance(value, tuple):
            return value
        name, equals, text = (part.strip() for part in str(value).partition("="))
        if not (name and equals and text):
            self.fail(f"{value!r} is not a setting like arch.width=64", param, ctx)
        return name, text


def join_names(
    ctx: click.Context, param: click.Parameter, values: tuple[tuple[str, ...], ...]
) -> tuple[str, ...] | None:
    """One list from a repeatable option of lists, None if it was not given."""
    return tuple(name for names in values for name in names) or None


input_argument = click.argument("source", metavar="INPUT", type=click.Path())
output_option = click.option(
    "-o", "--output", "target", metavar="OUT", type=click.Path(), help="File to write."
)
var_option = click.option(
    "--var",
    metavar="A,B",
    type=NamesType(),
    multiple=True,
    callback=join_names,
    help="Only these variables; repeatable.",
)
prune_option = click.option(
    "--prune",
    metavar="NAME",
    default=defaults.PRUNER,
    show_default=True,
    help='Pruner, or "none".',
)
quantise_option = click.option(
    "--quantise",
    metavar="NAME",
    default=defaults.QUANTISER,
    show_default=True,
    help="Quantiser.",
)
coder_option = click.option(
    "--coder", metavar="NAME", default=defaults.AUTO, show_default=True, help="Entropy coder."
)
seed_option = click.option(
    "--seed", metavar="N", type=int, default=0, help="Seed of every random choice [0]."
)
device_option = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default=defaults.AUTO,
    show_default=True,
    envvar="INRC_DEVICE",
    show_envvar=True,
    help="Where to compute.",
)
threads_option = click.option(
    "--threads",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    envvar="INRC_THREADS",
    show_envvar=True,
    help="CPU threads; 0 takes all the process may use.",
)
tile_option = click.option(
    "--tile",
    metavar="AxBxC",
    type=TileType(),
    default=AUTOMATIC_TILE,
    show_default=True,
    help="Size of the models a field is cut into; auto cuts from 2^25 samples on, none never.",
)
scheduler_option = click.option(
    "--scheduler",
    metavar="WHERE",
    default=THREADS,
    show_default=True,
    help="Where tiles are encoded: threads, processes, or tcp://HOST:PORT of a dask scheduler.",
)
settings_option = click.option(
    "--set",
    "plugin_settings",
    metavar="NAME=VALUE",
    type=SettingType(),
    multiple=True,
    help="A setting of a plugin, such as arch.width=64; repeatable. inrc plugins show lists them.",
)
force_option = click.option("--force", is_flag=True, help="Replace OUT if it exists.")
quiet_option = click.option("--quiet", is_flag=True, help="Print nothing but errors.")
verbose_option = click.option(
    "--verbose", is_flag=True, help="A line per stage where stderr is not a terminal."
)
log_option = click.option(
    "--log-dir",
    metavar="FOLDER",
    type=click.Path(file_okay=False),
    help="Write loss and PSNR of every stage there, for TensorBoard.",
)
json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON document; a number that is not finite (the PSNR of an exact field) "
    "is null.",
)
