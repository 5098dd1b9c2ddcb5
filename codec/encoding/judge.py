"""Whether a finished file meets its target, in words."""

from __future__ import annotations

from dataclasses import replace

from codec.options.encode import Goal
from codec.reports import EncodeReport


def judged(report: EncodeReport, goal: Goal) -> EncodeReport:
    """The report, with whether the goal was met and what was reached if not."""
    shortfall = ""
    worst = min(report.qualities, key=lambda quality: quality.psnr)
    if goal.psnr is not None and worst.psnr < goal.psnr:
        # The channels of an image share one PSNR, so none of them alone is the worst.
        names = "+".join(quality.name for quality in report.qualities if quality.psnr == worst.psnr)
        shortfall = (
            f"{report.path}: {names} reached {worst.psnr:.2f} dB of {goal.psnr:g} dB; "
            "the file is kept; more --effort may get further, to what its arithmetic can hold"
        )
    elif goal.bytes is not None and report.file_bytes > goal.bytes:
        shortfall = (
            f"{report.path}: the smallest found has {report.file_bytes} bytes of {goal.bytes} "
            "asked for; the file is kept"
        )
    elif goal.ratio is not None and report.ratio < goal.ratio:
        shortfall = (
            f"{report.path}: the best ratio found is {report.ratio:.1f} of {goal.ratio:g} asked "
            "for; the file is kept"
        )
    return replace(report, goal_met=not shortfall, shortfall=shortfall)
