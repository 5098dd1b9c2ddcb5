"""What inrc tells after it has measured: every number here was taken from a written file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codec.format.provenance import Provenance


@dataclass(frozen=True)
class FieldQuality:
    """Decoded values against the original ones, over valid samples.

    Attributes:
        name: of the field.
        psnr: dB, peak = the original's own range (of an image, that of its dtype, shared by its
            channels); infinite where nothing differs.
        max_error: greatest absolute difference, in the field's unit (unpacked where it is packed).
        rmse: root mean square difference, in the same unit.
        value_range: maximum minus minimum of the original's valid samples, in the same unit.
        units: of all three, `""` if unknown.
        valid: number of valid samples.
        mask_intact: whether invalid samples are exactly those of the original, bit for bit.
    """

    name: str
    psnr: float
    max_error: float
    rmse: float
    value_range: float
    units: str
    valid: int
    mask_intact: bool


@dataclass(frozen=True)
class MetaTrainReport:
    """What `meta_train` wrote.

    Attributes:
        path: the prior.
        name: what files call it: 32 hexadecimal digits.
        file_bytes: its size.
        parameters: of the network.
        items: that it was trained on, those held out included.
        seconds: wall-clock time.
    """

    path: Path
    name: str
    file_bytes: int
    parameters: int
    items: int
    seconds: float


@dataclass(frozen=True)
class EncodeReport:
    """What `encode` reached.

    Attributes:
        path: the file written.
        file_bytes: its size.
        source_bytes: size of the input file.
        field_bytes: bytes of the fitted fields in their stored dtype.
        qualities: one per field, measured on what was decoded from the written bytes.
        goal_met: whether the target was reached; `shortfall` says what was if not.
        shortfall: one line, or `""`.
        seconds: wall-clock time of the whole encode.
        advice: one line on what would serve better, or `""`.
    """

    path: Path
    file_bytes: int
    source_bytes: int
    field_bytes: int
    qualities: tuple[FieldQuality, ...]
    goal_met: bool
    shortfall: str
    seconds: float
    advice: str = ""

    @property
    def ratio(self) -> float:
        """Bytes of the fitted fields over bytes of the file."""
        return self.field_bytes / self.file_bytes


@dataclass(frozen=True)
class AppendReport:
    """What `append` did.

    Attributes:
        path: the file.
        dim: the axis that grew, by name or position.
        before, after: its length.
        file_bytes: size of the file.
        added_bytes: by how much it grew.
        qualities: one per field that grew, measured on the decoded new samples.
        goal_met, shortfall: as in `EncodeReport`, for what was added.
        seconds: wall-clock time.
    """

    path: Path
    dim: str
    before: int
    after: int
    file_bytes: int
    added_bytes: int
    qualities: tuple[FieldQuality, ...]
    goal_met: bool
    shortfall: str
    seconds: float


@dataclass(frozen=True)
class SectionInfo:
    """One section: type, stored bytes with framing, and what it holds in words."""

    type: str
    file_bytes: int
    content: str


@dataclass(frozen=True)
class FieldInfo:
    """One field of a file, without decoding it.

    Attributes:
        name, shape, dims, dtype: of the decoded array.
        units: physical unit or `""`.
        architecture: name of the architecture (or its number if it is unknown here).
        components: number of fields in the same model.
        parameters: integers coded for the model.
        model_bytes: bytes of the model's ITEM, TENS and RESD sections and sparsity masks.
        mask_bytes: bytes of the validity mask, 0 if every sample is valid or another field carries
            it.
        bound: greatest error that was promised, in units of the stored values, or None.
        tiles: number of models it is cut into, 1 if it is whole.
    """

    name: str
    shape: tuple[int, ...]
    dims: tuple[str, ...]
    dtype: str
    units: str
    architecture: str
    components: int
    parameters: int
    model_bytes: int
    mask_bytes: int
    bound: float | None = None
    tiles: int = 1


@dataclass(frozen=True)
class FileInfo:
    """What `inrc info` shows.

    Attributes:
        path: the file, or "-" for bytes in memory.
        file_bytes: its size.
        field_bytes: bytes of the decoded fields in their stored dtype.
        format_version: "1.0".
        level: 1 or 2.
        medium: of the original file, "netcdf" for example.
        fields: in file order.
        sections: in file order.
        verbatim: (path, type, shape) of every variable kept verbatim.
        made: what its encoder was asked for, None where the file does not say.
    """

    path: str
    file_bytes: int
    field_bytes: int
    format_version: str
    level: int
    medium: str
    fields: tuple[FieldInfo, ...]
    sections: tuple[SectionInfo, ...]
    verbatim: tuple[tuple[str, str, tuple[int, ...]], ...]
    made: Provenance | None = None


@dataclass(frozen=True)
class VerifyReport:
    """What `verify` found: intact sections and digest, and, with an original, the quality."""

    path: str
    file_bytes: int
    sections: int
    qualities: tuple[FieldQuality, ...]


@dataclass(frozen=True)
class PluginInfo:
    """One row of `inrc plugins list`.

    Attributes:
        kind: "architecture", "pruner" or "quantiser".
        name: what options take.
        identifier: number in files, or None where the kind has none.
        version: of its normative text, or None.
        origin: "built in", or the distribution that provides it.
        summary: one line.
    """

    kind: str
    name: str
    identifier: int | None
    version: int | None
    origin: str
    summary: str


@dataclass(frozen=True)
class TuneReport:
    """What a search found.

    Attributes:
        folder: where its tables, picture and run file are.
        trials: encodes that gave a file.
        front: of these, how many no other beats.
        best: full names and values of the recommended settings, with the target as "psnr".
        file_bytes, psnr, seconds: what these gave.
    """

    folder: Path
    trials: int
    front: int
    best: tuple[tuple[str, Any], ...]
    file_bytes: int
    psnr: float
    seconds: float


@dataclass(frozen=True)
class LostRegion:
    """What a repair could not save of one field or variable.

    Attributes:
        kind: "samples", which are invalid now; "bound", which is not promised any more;
            "variable", which is left out; or "metadata", all of it.
        name: of the field or variable, "" where it is unknown.
        ranges: (first sample, sample after the last) per axis; () where they are unknown.
        share: of the field's samples, 0 to 1.
    """

    kind: str
    name: str
    ranges: tuple[tuple[int, int], ...]
    share: float


@dataclass(frozen=True)
class RepairReport:
    """What came of a repair.

    Attributes:
        path: the file that was written.
        source_bytes, file_bytes: of the damaged file and of this one.
        intact: number of sections that were.
        damage: (type, or "" where unknown; offset; bytes) of what was not.
        losses: what could not be saved.
        seconds: it took.
    """

    path: Path
    source_bytes: int
    file_bytes: int
    intact: int
    damage: tuple[tuple[str, int, int], ...]
    losses: tuple[LostRegion, ...]
    seconds: float


@dataclass(frozen=True)
class TranscodeReport:
    """What `transcode` did.

    Attributes:
        path: the new file.
        source_bytes, file_bytes: sizes of both files.
        seconds: how long it took.
        qualities: of the new file's fields against those of the old one; none where only the coder
            changed, and they are the same.
        shortfall: how the target was missed, in words, or "".
    """

    path: Path
    source_bytes: int
    file_bytes: int
    seconds: float
    qualities: tuple[FieldQuality, ...] = ()
    shortfall: str = ""
