"""Runners that encode tiles: in threads of this process, or as tasks of dask.

Every runner gives the same tiles, in the order they are finished. A tile for which there was not
enough memory is tried again: by another worker, or by threads once no other tile is in work. Those
of a worker that died are dask's own to do again.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from codec.encoding.encode_tile import EncodedTile, encode_tile
from codec.encoding.tile_layout import tile_settings
from codec.encoding.tile_tasks import TileTask
from codec.errors import InvalidInputError, MissingDependencyError
from codec.media import formats
from codec.media.dataset import Dataset, Field
from codec.options.encode import (
    PROCESSES,
    THREADS,
    EncodeOptions,
    ignore_progress,
    usable_threads,
)
from codec.options.raw_layout import RawLayout
from codec.plugin_api import registry
from codec.training.devices import gpu_count, use_one_gpu

# Seconds in which a scheduler must answer.
_PATIENCE = 20

_log = logging.getLogger("inrc")

Finished = Iterator[tuple[int, EncodedTile]]


@dataclass(frozen=True)
class Source:
    """Source of the fields, for processes that must open the file themselves.

    Attributes:
        path: of the file, absolute.
        select: names of the variables to fit, None for the medium's own choice.
        raw: how bare samples lie in the file, if it is one of them.
        only: what the one field of the file is to be called, or "" to leave names alone.
    """

    path: Path
    select: tuple[str, ...] | None
    raw: RawLayout | None = None
    only: str = ""

    def fields_of(self, dataset: Dataset) -> tuple[Field, ...]:
        """The fields of the open file, called as they are to be."""
        if self.only and len(dataset.fields) == 1:
            return (replace(dataset.fields[0], name=self.only),)
        return dataset.fields


def run_tasks(
    tasks: Sequence[TileTask],
    fields: Mapping[str, Field],
    source: Source,
    options: EncodeOptions,
) -> Finished:
    """Encode tiles with the scheduler of the options.

    Raises:
        InvalidInputError: samples cannot be read or fitted, or the scheduler cannot be reached.
        MissingDependencyError: dask is needed and not installed.
    """
    if not tasks:
        return iter(())
    if options.scheduler == THREADS:
        return _in_threads(tasks, fields, options)
    return _in_dask(tasks, source, options)


def _in_threads(
    tasks: Sequence[TileTask], fields: Mapping[str, Field], options: EncodeOptions
) -> Finished:
    threads = usable_threads(options.threads)
    # Training has threads of its own; the coder of coefficients runs on one, without Python's lock.
    workers = 1 if registry.architecture(options.architecture).staged else threads
    workers = min(workers, len(tasks))
    if workers == 1:
        for task in tasks:
            yield task.number, _alone(task, fields, options, threads, tile_settings(options).tries)
        return
    pool = ThreadPoolExecutor(workers)
    failed: list[TileTask] = []
    try:
        waiting = iter(tasks)
        running: dict[Future[EncodedTile], TileTask] = {}

        def start() -> None:
            if (task := next(waiting, None)) is not None:
                running[pool.submit(encode_tile, task, fields, options, 1)] = task

        for _ in range(workers):
            start()
        while running:
            # As many as there are workers are at work at any time, so memory stays bounded.
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                task = running.pop(future)
                start()
                error = future.exception()
                if error is not None and out_of_memory(error):
                    _log.warning("tile %d: out of memory; it is tried again alone", task.number)
                    failed.append(task)
                    continue
                yield task.number, future.result()
    finally:
        pool.shutdown(cancel_futures=True)
    for task in failed:
        yield task.number, _alone(task, fields, options, 1, tile_settings(options).tries - 1)


def _alone(
    task: TileTask, fields: Mapping[str, Field], options: EncodeOptions, threads: int, tries: int
) -> EncodedTile:
    """A tile while no other is in work, tried so many times where memory runs out."""
    cause: Exception | None = None
    for _ in range(tries):
        try:
            return encode_tile(task, fields, options, threads)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            cause = error
    raise _too_little_memory(task, options) from cause


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory, of the machine or of a GPU, did not suffice."""
    # torch says so by a RuntimeError: of a class of its own on a GPU, by its text on the CPU.
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError)
        and (type(error).__name__ == "OutOfMemoryError" or "DefaultCPUAllocator" in str(error))
    )


def _too_little_memory(task: TileTask, options: EncodeOptions) -> InvalidInputError:
    tries = tile_settings(options).tries
    return InvalidInputError(
        f"{'+'.join(task.names)}: not enough memory for tile {task.number} in {tries} tries; use "
        "smaller tiles (--tile), or give it more memory"
    )


@dataclass(frozen=True)
class OutOfMemory:
    """Answer of a worker with too little memory for a tile: its own address."""

    worker: str


def encode_from_source(
    task: TileTask, source: Source, options: EncodeOptions
) -> EncodedTile | OutOfMemory:
    """A task as another process does it: with the file opened for it alone."""
    worker = importlib.import_module("distributed").get_worker()
    use_one_gpu(options.device, worker.name)
    try:
        return _encode_from_source(task, source, options)
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        _log.warning("tile %d: out of memory on %s", task.number, worker.address)
        return OutOfMemory(worker.address)


def _encode_from_source(task: TileTask, source: Source, options: EncodeOptions) -> EncodedTile:
    dataset = formats.read(source.path, source.select, source.raw)
    try:
        fields = {field.name: field for field in source.fields_of(dataset)}
        return encode_tile(task, fields, options, 1)
    finally:
        dataset.close()


def _in_dask(tasks: Sequence[TileTask], source: Source, options: EncodeOptions) -> Finished:
    distributed = _distributed(options)
    with (
        _scheduler(distributed, options, len(tasks)) as address,
        _client(distributed, address) as client,
    ):
        submit = partial(_submitted, client, source, options)
        running = {submit(task): task for task in tasks}
        failures: dict[int, list[str]] = {}
        completed = distributed.as_completed(list(running), loop=client.loop)
        try:
            for future in completed:
                tile = future.result()
                task = running.pop(future)
                # The result is in our hands now, and need not stay in the memory of a worker.
                future.release()
                if isinstance(tile, EncodedTile):
                    yield task.number, tile
                    continue
                failed = failures.setdefault(task.number, [])
                failed.append(tile.worker)
                if len(failed) >= tile_settings(options).tries:
                    raise _too_little_memory(task, options)
                again = submit(task, workers=_others(client, failed), allow_other_workers=True)
                running[again] = task
                completed.add(again)
        except distributed.KilledWorker as error:
            raise InvalidInputError(
                f"--scheduler {options.scheduler}: workers died over one tile ({error}); give them "
                "more memory, or use smaller tiles"
            ) from error


def _submitted(
    client: Any, source: Source, options: EncodeOptions, task: TileTask, **where: Any
) -> Any:
    """The future of a task, which another process does; callbacks stay here."""
    plain = replace(options, on_progress=ignore_progress)
    return client.submit(encode_from_source, task, source, plain, pure=False, **where)


def _others(client: Any, failed: Sequence[str]) -> list[str] | None:
    """Workers that have not failed at a tile; None, for any of them, where all have."""
    workers = client.scheduler_info()["workers"]
    return [worker for worker in workers if worker not in failed] or None


def _distributed(options: EncodeOptions) -> Any:
    """The module, as far as anything is known of its types."""
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise MissingDependencyError(
            f"--scheduler {options.scheduler} needs dask ({error}); pip install 'inrc[dask]'"
        ) from None


@contextmanager
def _client(distributed: Any, address: str) -> Iterator[Any]:
    try:
        client = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InvalidInputError(
            f"--scheduler {address}: no dask scheduler answers there ({error})"
        ) from error
    with client:
        yield client


@contextmanager
def _scheduler(distributed: Any, options: EncodeOptions, tasks: int) -> Iterator[str]:
    """The address of a scheduler: the one that was named, or one with processes of this machine."""
    if options.scheduler != PROCESSES:
        yield options.scheduler
        return
    # A GPU has one job at a time.
    workers = min(gpu_count(options.device) or usable_threads(options.threads), tasks)
    with distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        # Without an address dask serves its dashboard to everybody, on a port that may be taken.
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.ERROR,
    ) as cluster:
        yield cluster.scheduler_address
