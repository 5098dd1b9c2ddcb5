"""The benchmark behind `make bench-images`: rate at equal PSNR against the classical codecs.

    python benchmarks/bench_images.py [--effort N ...] [--only NAME ...] [--peers A,B] [--resume]

Every point is appended to benchmarks/results/images.csv as it is measured; the picture, the summary
and the section "images" of benchmarks/RESULTS.md are made from that table.
"""

from __future__ import annotations

import argparse
import sys

from peers import PEERS
from plots.rate_distortion import draw
from rate_distortion import compare_images, speeds
from rate_distortion.curves import Point
from rate_distortion.run import arguments, conditions, parse, results_file, run, write_json
from reporting.sections import replace_section
from sources.images import SOURCES

_TARGETS = (28.0, 30.0, 32.0, 34.0, 36.0, 38.0, 40.0, 42.0)
_EXPLANATION = """\
BD-rate per image, then the mean over the images (their number in brackets): negative where ours
needs fewer bytes at equal PSNR. PCHIP on log-bytes over the PSNRs that both reach. PSNR is that
of 8-bit RGB over all three channels."""


def write_report(points: list[Point], options: argparse.Namespace, machine: dict[str, str]) -> None:
    """The picture, the summary and the section of RESULTS.md."""
    draw(points, options.psnr, 3, "pixel", options.out / "images.png")
    rates = compare_images.rates(points)
    about = conditions(points, [peer for peer in PEERS if peer.kind == "image"])
    document = {
        "machine": machine,
        "conditions": about,
        "bd_rate_mean": {
            way: {
                peer: compare_images.mean(list(per_image.values()))
                for peer, per_image in against.items()
                if per_image
            }
            for way, against in rates.items()
        },
        "bd_rate": rates,
    }
    write_json(options.out / "images.json", document)
    table = compare_images.rate_table(rates)
    print("\n".join(table))
    lines = ["Made by `make bench-images`; do not edit.", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    lines += [*about, "", "### BD-rate", "", _EXPLANATION, "", *table]
    lines += ["", "### Mean PSNR at equal bits per pixel", ""]
    lines += compare_images.equal_rate_table(points)
    lines += ["", "### Speed (3 samples a pixel)", ""]
    lines += speeds.table(points, min(options.psnr), max(options.psnr))
    picture = (options.out / "images.png").relative_to(results_file(options).parent)
    lines += ["", f"![Rate-distortion curves of all images]({picture.as_posix()})"]
    replace_section(results_file(options), "images", "\n".join(lines))


def main() -> int:
    """Measure and report."""
    parser = arguments(str(__doc__).split("\n")[0], _TARGETS)
    parser.add_argument(
        "--input", choices=("png", "npy"), default="png", help="the file that inrc is given"
    )
    return run("image", SOURCES, parse(parser), write_report)


if __name__ == "__main__":
    sys.exit(main())
