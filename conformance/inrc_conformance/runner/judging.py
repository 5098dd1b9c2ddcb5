"""Runs cases and says which of them a decoder passes."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .check import check_outputs, check_status
from .processes import Driver
from .reports import Result
from .scope import EVERYTHING, Scope
from .suite import SuiteCase


def judge(driver: Driver, case: SuiteCase, scope: Scope = EVERYTHING) -> Result:
    """Run one case in a folder of its own."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="inrc-conformance-") as folder:
        outdir = Path(folder) / "out"
        outdir.mkdir()
        status = driver.decode(case.id, case.input.resolve(), outdir)
        problems = check_status(case, status, scope)
        if not problems and status == "ok":
            problems = check_outputs(case, outdir, scope)
    return Result(case, status, problems, time.monotonic() - started)


def run_cases(
    make_driver: Callable[[], Driver],
    cases: Sequence[SuiteCase],
    jobs: int,
    scope: Scope = EVERYTHING,
) -> list[Result]:
    """Run cases in `jobs` threads, each with a driver of its own."""
    local = threading.local()
    drivers: list[Driver] = []

    def work(case: SuiteCase) -> Result:
        driver: Driver | None = getattr(local, "driver", None)
        if driver is None:
            driver = local.driver = make_driver()
            drivers.append(driver)
        return judge(driver, case, scope)

    try:
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            return list(pool.map(work, cases))
    finally:
        for driver in drivers:
            driver.close()
