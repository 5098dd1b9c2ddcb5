"""Sweep of inrc and its peers over their settings, on each sample."""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measuring.round_trip import Inrc, round_trip, warm_up
from peers import Peer, Setting
from peers.peer import Kind
from sources.source import Sample

from codec.arrays import Array, BoolArray
from rate_distortion.curves import Point, Table
from rate_distortion.masked import filled, mask_bytes

# A series is swept until it is so far above the highest target: interpolation needs a point there.
_MARGIN_DB = 1.0


class TimeIsUpError(Exception):
    """The time limit is over; what was measured is on the disk."""


@dataclass
class Bench:
    """Run of a benchmark.

    Attributes:
        kind: "volume" or "image".
        options: options of the command line.
        table: the results so far.
        machine, date: description of the machine and date, for the points.
        deadline: time of `time.monotonic` after which nothing new is started.
        failures: number of points that could not be measured; each was named on stderr.
    """

    kind: Kind
    options: argparse.Namespace
    table: Table
    machine: str
    date: str
    deadline: float
    failures: int = 0

    def measure(self, name: str, sample: Sample, peers: list[Peer]) -> None:
        """All points of one sample, ours first.

        Raises:
            TimeIsUpError: the deadline is over.
        """
        shape = "x".join(map(str, sample.values.shape))
        print(f"{name}: {shape} {sample.values.dtype}", flush=True)
        for effort in self.options.effort:
            self._ours(name, sample, effort)
        values, charged = sample.values, 0
        if self.kind == "volume":
            values = np.ascontiguousarray(values, np.float32)
        if sample.valid is not None and peers:
            values, charged = filled(values, sample.valid), mask_bytes(sample.valid)
        for peer in peers:
            self._sweep(name, sample, peer, values, charged)

    def _ours(self, name: str, sample: Sample, effort: int) -> None:
        options, is_image = self.options, self.kind == "image"
        suffix = f".{options.input}" if is_image else ""
        way = Inrc(options.arch, effort, options.threads, options.device, suffix)
        missing = [t for t in options.psnr if not self.table.find(name, way.name, f"psnr={t:g}")]
        if not missing:
            return
        with tempfile.TemporaryDirectory(prefix="inrc-bench-") as folder:
            work = Path(folder)
            try:
                warm_up(way, sample, is_image, work)
            except Exception as error:  # noqa: BLE001 (only the first time would suffer)
                self._complain(name, way.name, "warm-up", error)
            for target in missing:
                self._check_time()
                setting = f"psnr={target:g}"
                try:
                    trip = round_trip(way, sample, is_image, {"psnr": target}, work)
                except Exception as error:  # noqa: BLE001 (one failure must not end a night's run)
                    self._complain(name, way.name, setting, error)
                    continue
                times = (trip.encode_s, trip.decode_s)
                self._add(
                    name, sample, way.name, setting, target, trip.bytes, 0, trip.decoded, times,
                    options.threads,
                )  # fmt: skip

    def _sweep(self, name: str, sample: Sample, peer: Peer, values: Array, charged: int) -> None:
        done: set[str] = set()
        for setting in peer.settings(values, self.options.psnr):
            if setting.series in done:
                continue
            self._check_time()
            point = self.table.find(name, peer.name, str(setting))
            if point is None:
                try:
                    point = self._peer_point(name, sample, peer, values, charged, setting)
                except Exception as error:  # noqa: BLE001 (one failure must not end a night's run)
                    self._complain(name, peer.name, str(setting), error)
                    continue
            if point.psnr_db > max(self.options.psnr) + _MARGIN_DB:
                done.add(setting.series)

    def _peer_point(
        self, name: str, sample: Sample, peer: Peer, values: Array, charged: int, setting: Setting
    ) -> Point:
        started = time.perf_counter()
        data = peer.encode(values, setting)
        encoded = time.perf_counter()
        decoded = peer.decode(data, values.shape, setting)
        times = (encoded - started, time.perf_counter() - encoded)
        size = len(data) + charged
        return self._add(
            name, sample, peer.name, str(setting), math.nan, size, charged, decoded, times, 1
        )

    def _add(
        self, name: str, sample: Sample, codec: str, setting: str, target: float, size: int,
        charged: int, decoded: Array, times: tuple[float, float], threads: int,
    ) -> Point:  # fmt: skip
        psnr, worst = quality(sample, decoded, 255.0 if self.kind == "image" else None)
        point = Point(
            source=name,
            shape="x".join(map(str, sample.values.shape)),
            dtype=str(sample.values.dtype),
            samples=sample.values.size,
            codec=codec,
            setting=setting,
            target_db=target,
            bytes=size,
            mask_bytes=charged,
            psnr_db=psnr,
            max_error=worst,
            encode_s=times[0],
            decode_s=times[1],
            threads=threads,
            machine=self.machine,
            date=self.date,
        )
        self.table.add(point)
        print(
            f"  {codec:<18} {setting:<26} {size:>10} B {psnr:7.2f} dB "
            f"{times[0]:8.3f} s {times[1]:8.3f} s",
            flush=True,
        )
        return point

    def _complain(self, name: str, codec: str, setting: str, error: Exception) -> None:
        self.failures += 1
        text = f"FAILED: {name}: {codec} {setting}: {type(error).__name__}: {error}"
        print(text, file=sys.stderr)

    def _check_time(self) -> None:
        if time.monotonic() > self.deadline:
            raise TimeIsUpError


def quality(sample: Sample, decoded: Array, peak: float | None) -> tuple[float, float]:
    """PSNR in dB and the greatest error, over the valid samples.

    Args:
        sample: the original.
        decoded: the same shape; rounded and clipped to the original's dtype if that has integers.
        peak: None for the original's range.
    """
    if decoded.shape != sample.values.shape:
        raise ValueError(f"decoded to {decoded.shape} instead of {sample.values.shape}")
    if sample.values.dtype.kind in "iu" and decoded.dtype != sample.values.dtype:
        limits = np.iinfo(sample.values.dtype)
        decoded = np.clip(np.rint(decoded), limits.min, limits.max)
    original, valid = sample.values, sample.valid
    before, after = _chosen(original, valid), _chosen(decoded, valid)
    error = after.astype(np.float64) - before
    mean = float(np.mean(np.square(error)))
    worst = float(np.abs(error).max())
    peak = float(before.max()) - float(before.min()) if peak is None else peak
    return (20 * math.log10(peak) - 10 * math.log10(mean) if mean else math.inf), worst


def _chosen(values: Array, valid: BoolArray | None) -> Array:
    return values if valid is None else np.asarray(values[valid])
