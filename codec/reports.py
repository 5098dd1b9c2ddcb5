"""Reports of what inrc did; every number in them was measured on a written file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codec.format.provenance import Provenance


@dataclass(frozen=True)
class FieldQuality:
    """Decoded values against the original ones, over valid samples.

    Attributes:
        name: name of the field.
        psnr: PSNR in dB; its peak is the range of the original, or that of the dtype of an image,
            whose channels share it; infinite where nothing differs.
        max_error: greatest absolute difference, in the field's unit (unpacked where it is packed).
        rmse: root mean square difference, in the same unit.
        value_range: maximum minus minimum of the original's valid samples, in the same unit.
        units: unit of these three, `""` if unknown.
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
    """Result of `meta_train`.

    Attributes:
        path: file of the prior.
        name: name that files call it by: 32 hexadecimal digits.
        file_bytes: size of the file.
        parameters: number of parameters of the network.
        items: number of items that it was trained on, with those held out.
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
    """Result of `encode`.

    Attributes:
        path: the file written.
        file_bytes: size of that file.
        source_bytes: size of the input file.
        field_bytes: bytes of the fitted fields in their stored dtype.
        qualities: quality of each field, measured on values decoded from the written bytes.
        goal_met: whether the target was reached; `shortfall` says what was if not.
        shortfall: one line, or `""`.
        seconds: wall-clock time of the whole encode.
        advice: one line that names something better for this input, or `""`.
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
    """Result of `append`.

    Attributes:
        path: the file.
        dim: the axis that grew, by name or position.
        before, after: length of the axis.
        file_bytes: size of the file.
        added_bytes: bytes by which the file grew.
        qualities: quality of each field that grew, measured on the decoded new samples.
        goal_met, shortfall: the same as in `EncodeReport`, for the new samples.
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
    """Section of a file: type, stored bytes with framing, and its content in words."""

    type: str
    file_bytes: int
    content: str


@dataclass(frozen=True)
class FieldInfo:
    """Field of a file, described without decoding it.

    Attributes:
        name, shape, dims, dtype: name, shape, dims and dtype of the decoded array.
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
    """Contents of a file, as `inrc info` shows them.

    Attributes:
        path: the file, or "-" for bytes in memory.
        file_bytes: size of the file.
        field_bytes: bytes of the decoded fields in their stored dtype.
        format_version: version of the format, "1.0".
        level: conformance level, 1 or 2.
        medium: medium of the original file, "netcdf" for example.
        fields: fields in file order.
        sections: sections in file order.
        verbatim: (path, type, shape) of every variable kept verbatim.
        made: provenance of the file, None where it does not say.
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
    """Result of `verify`: the sections and digest are intact; the quality, with an original."""

    path: str
    file_bytes: int
    sections: int
    qualities: tuple[FieldQuality, ...]


@dataclass(frozen=True)
class PluginInfo:
    """One row of `inrc plugins list`.

    Attributes:
        kind: "architecture", "pruner" or "quantiser".
        name: name that options take.
        identifier: number in files, or None where the kind has none.
        version: version of its normative text, or None.
        origin: "built in", or the distribution that provides it.
        summary: description of one line.
    """

    kind: str
    name: str
    identifier: int | None
    version: int | None
    origin: str
    summary: str


@dataclass(frozen=True)
class TuneReport:
    """Result of a search.

    Attributes:
        folder: folder of its tables, picture and run file.
        trials: number of encodes that gave a file.
        front: number of these that no other beats.
        best: full names and values of the recommended settings, with the target as "psnr".
        file_bytes, psnr, seconds: size, quality and time with these settings.
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
    """Loss of a field or variable that a repair could not save.

    Attributes:
        kind: "samples", which are invalid now; "bound", which is not promised any more;
            "variable", which is left out; or "metadata", all of it.
        name: name of the field or variable, "" where it is unknown.
        ranges: (first sample, sample after the last) per axis; () where they are unknown.
        share: share of the samples of the field, 0 to 1.
    """

    kind: str
    name: str
    ranges: tuple[tuple[int, int], ...]
    share: float


@dataclass(frozen=True)
class RepairReport:
    """Result of a repair.

    Attributes:
        path: the file that was written.
        source_bytes, file_bytes: sizes of the damaged file and of the written one.
        intact: number of intact sections.
        damage: (type, or "" where unknown; offset; bytes) of each damaged piece.
        losses: losses that could not be saved.
        seconds: wall-clock time.
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
    """Result of `transcode`.

    Attributes:
        path: the new file.
        source_bytes, file_bytes: sizes of both files.
        seconds: wall-clock time.
        qualities: quality of the new file's fields against those of the old file; none where only
            the coder changed, and they are the same.
        shortfall: words for how the target was missed, or "".
    """

    path: Path
    source_bytes: int
    file_bytes: int
    seconds: float
    qualities: tuple[FieldQuality, ...] = ()
    shortfall: str = ""
