"""Compares dvcx with DVC and with `cp -r`: seconds, ratios, peak memory, bytes and files stored.

python benchmarks/compare.py                                      # everything: about half an hour, 30 GiB of disk
python benchmarks/compare.py --workload small --rounds 1 --scale-down 20      # a quick try
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import machine
import report
import workloads
from data import GIB
from quiet import Aside
from results import FLOOR, Results
from tools import Tool, install_dvc, install_dvcx

RUNS = {
    "small": workloads.run_small,
    "large": workloads.run_large,
    "scale": workloads.run_scale,
    "start": workloads.run_start,
}
# The most that lies on the disk at one time, for two tools.
DISK_BYTES = {"small": 3 * GIB, "large": 30 * GIB, "scale": 8 * GIB, "start": GIB // 10}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the workloads, print the report; 1 when a step failed."""
    options = _parser().parse_args(arguments)
    chosen = options.workload or list(RUNS)
    contestants = options.tools or ["dvc", "dvcx", "cp"]
    if contestants == ["cp"]:
        sys.exit("error: cp is the floor beside a tool: add --tools dvcx or --tools dvc")
    work: Path = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    _require_disk(work, max(DISK_BYTES[name] for name in chosen) / options.scale_down)
    aside = Aside(work / "aside")
    aside.discard(work / "rounds")
    aside.delete()

    described = machine.describe(work)
    tools = _install(contestants, work / "environments")
    if options.scale_down == 1:
        aside.wait(workloads.say)
    course = workloads.Course(tools, "cp" in contestants, options.rounds, work, options.scale_down, Results(), aside)
    for name in chosen:
        if name == "scale" and not options.tools:
            # DVC on 100,000 files takes minutes a step and is not what this workload asks.
            RUNS[name](replace(course, tools=[tool for tool in tools if tool.name == "dvcx"], floor=False))
        elif name == "scale":
            RUNS[name](replace(course, floor=False))
        else:
            RUNS[name](course)

    text = report.render(course.results, tools, described, options.scale_down, options.rounds)
    print(text)
    if options.markdown:
        options.markdown.write_text(text)
    if options.json:
        options.json.write_text(_json(course, tools, described))
    if not options.keep:
        aside.discard(work / "data")
    aside.delete()
    return 1 if course.results.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", action="append", choices=list(RUNS), help="repeatable; default: all")
    parser.add_argument(
        "--tools",
        action="append",
        choices=["dvc", "dvcx", "cp"],
        help="repeatable; default: all, but only dvcx in the workload scale",
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument("--scale-down", type=float, default=1, metavar="F", help="F times fewer files and bytes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report there, too")
    default = Path(__file__).resolve().parent / ".work"
    parser.add_argument("--work", type=Path, default=default, metavar="DIR", help="default: benchmarks/.work")
    parser.add_argument("--keep", action="store_true", help="keep the data that was made, for the next run")
    return parser


def _install(names: Sequence[str], environments: Path) -> list[Tool]:
    installers = {"dvc": install_dvc, "dvcx": install_dvcx}
    return [install(environments) for name, install in installers.items() if name in names]


def _require_disk(work: Path, needed: float) -> None:
    free = shutil.disk_usage(work).free
    if free < needed:
        sys.exit(f"error: {work} has {free / GIB:.0f} GiB free, the run needs about {needed / GIB:.0f} GiB")


def _json(course: workloads.Course, tools: Sequence[Tool], described: dict[str, str]) -> str:
    whole = {
        "machine": described,
        "tools": {tool.name: {"version": tool.version, "packages": tool.packages} for tool in tools},
        "rounds": course.rounds,
        "scale_down": course.scale_down,
        "floor": FLOOR if course.floor else None,
        **course.results.as_json(),
    }
    return json.dumps(whole, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main())
