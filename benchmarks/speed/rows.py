"""Rows of the table of speeds, as they are kept in JSON."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """Codec on a field at a PSNR.

    Attributes:
        case, source, shape, samples: field that was coded; invalid samples are counted as well.
        target_db: PSNR asked for.
        part_threads: number of threads of this part of the benchmark.
        threads: number of threads that this codec has, at most `part_threads`.
        codec, setting: name, and the setting that was timed.
        bytes, psnr_db: size and PSNR of the file that was timed, masks included.
        encode, decode: millions of samples a second, medians.
        equal_bytes: name of a peer -> its bytes at `psnr_db`; of a peer: at the PSNR of our first
            effort, of itself alone.
        encode_memory, decode_memory: bytes a sample beyond those of a process that has coded a
            little file; NaN for peers.
        load: load of the machine after the measurement, one-minute mean.
    """

    case: str
    source: str
    shape: str
    samples: int
    target_db: float
    part_threads: int
    threads: int
    codec: str
    setting: str
    bytes: int
    psnr_db: float
    encode: float
    decode: float
    equal_bytes: dict[str, float]
    encode_memory: float
    decode_memory: float
    load: float

    @property
    def cell(self) -> tuple[str, float, int]:
        """Identity of what was measured in one alternation."""
        return self.case, self.target_db, self.part_threads
