"""Prints the findings as Markdown tables that are readable as plain text too."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import steps
import targets
import workloads
from data import MIB
from results import FLOOR, Results, growth_exponent
from tools import Tool

TITLES = {"small": "{:,} files of 4-12 KiB", "large": "one file of {:,.0f} MiB"}

NOTES = """\
- Whole processes, started one after the other; seconds are wall time, "median (smallest-largest)" over the rounds.
- Every round has fresh repositories and remotes. Within a round the tools take each step in turn, on equal data; who
  begins changes from round to round. `cp -r` of the same data runs between them.
- The page cache is not dropped: what a step reads is warm for all. Before each step the disk is idle (`sync`), so
  nobody waits for what somebody else wrote. "Then sync" is how long the disk was busy after the step.
- Before each step enough free memory is touched: a virtual machine may have given it back to its host, and then whoever
  writes first pays 2 s a GiB for getting it. Large folders are moved aside until the end of the run, not deleted: for
  six minutes after a deletion ext4 makes whoever creates files pay for it (`cp -r` of 20,000 files: 14 s, not 0.7).
- dvcx ends when its data is on the disk (`durability = "full"`, the default). DVC and `cp` never sync: a part of their
  work is done by the system after they have ended, and stands only under "then sync".
- Peak memory is the largest of the processes that a step started (`wait4`), the largest of all rounds;
  9 MiB is the least that can be seen.
- DVC runs without analytics and update checks. Both tools start from compiled bytecode, on the same Python.
- After add, checkout and pull the data is compared with the original by SHA-256, and `status` has to agree; after the
  last push of the first round a new clone is pulled and compared. None of this is timed."""


def render(results: Results, tools: Sequence[Tool], machine: Mapping[str, str], scale_down: float, rounds: int) -> str:
    """The whole report, ready for a file."""
    parts = [_bullets({**machine, **{tool.name: tool.version for tool in tools}, "rounds": str(rounds)}), NOTES]
    if scale_down != 1:
        parts.append(f"**Scaled down by {scale_down:g}: a try. The targets are meant for the full size.**")
    for workload, size in (
        ("small", round(workloads.SMALL_FILES / scale_down)),
        ("large", workloads.LARGE_BYTES / scale_down / MIB),
    ):
        if results.tools(workload):
            parts.append(f"## `{workload}`: {TITLES[workload].format(size)}")
            parts += [_times(results, workload), _judged(results, workload)]
            parts += [_costs(results, workload), _stored(results, workload)]
    if any(workload.startswith("scale") for workload in results.workloads()):
        parts += ["## `scale`: how time and memory grow with the number of files", *_scale(results, scale_down)]
    if results.tools("start"):
        parts += ["## `start`: what every command costs", _start(results)]
    if results.failures:
        parts += ["## Failures", _failures(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _times(results: Results, workload: str) -> str:
    tools = results.tools(workload)
    header = ["step", *(f"{tool}, s" for tool in tools), "DVC ÷ dvcx", "target", "reached"]
    rows = []
    for step in results.steps(workload):
        found = targets.ratio(results, workload, step)
        verdict = targets.judge_ratio(results, workload, step)
        row = [step, *(_spread([s.cost.seconds for s in results.of(workload, step, tool)]) for tool in tools)]
        row += ["-" if found is None else f"{found:.2f}"]
        rows.append(row + (["", ""] if verdict is None else [verdict.target, verdict.word]))
    return _table(header, rows)


def _costs(results: Results, workload: str) -> str:
    tools = results.tools(workload)
    header = ["step", *(f"{tool}, {what}" for what in ("CPU s", "then sync, s", "peak MiB") for tool in tools)]
    rows = []
    for step in results.steps(workload):
        samples = {tool: results.of(workload, step, tool) for tool in tools}
        row = [step, *(_median([s.cost.cpu_seconds for s in samples[tool]]) for tool in tools)]
        row += [_median([s.settle_seconds for s in samples[tool]]) for tool in tools]
        row += [_mebibytes(results.peak_bytes(workload, step, tool)) for tool in tools]
        rows.append(row)
    return _table(header, rows)


def _judged(results: Results, workload: str) -> str:
    verdicts = [targets.judge_floor(results)] if workload == "small" else [targets.judge_growth(results)]
    verdicts.append(targets.judge_memory(results, workload))
    return "\n".join(f"- {verdict.target}: {verdict.word}" for verdict in verdicts)


def _stored(results: Results, workload: str) -> str:
    """Files and bytes; the state (databases, indexes, locks, temporary files) stands beside cache and remote."""
    tools = [tool for tool in results.tools(workload) if tool != FLOOR]
    header = ["stored", *(f"{tool}, {what}" for tool in tools for what in ("files", "MiB", "MiB on disk"))]
    rows = []
    for moment in (steps.FIRST_PUSH, steps.LAST_PUSH):
        for place in ("cache", "remote", "state"):
            row = [f"{place} {moment}"]
            for tool in tools:
                usage = results.usage(workload, moment, place, tool)
                row += (
                    ["-"] * 3
                    if usage is None
                    else [
                        f"{usage.files:,}",
                        _mebibytes(usage.bytes),
                        _mebibytes(usage.allocated),
                    ]
                )
            rows.append(row)
    growth = ["growth of the remote"]
    for tool in tools:
        grown = targets.remote_growth(results, workload, tool)
        growth += ["", "-" if grown is None else f"{grown / MIB:,.2f}", ""]
    return _table(header, [*rows, growth])


def _scale(results: Results, scale_down: float) -> list[str]:
    counts = workloads.scale_sizes(scale_down)
    names = [workloads.scale_name(count) for count in counts]
    parts = []
    for tool in dict.fromkeys(tool for name in names for tool in results.tools(name)):
        header = [f"{tool}: step", *(f"{count:,} files, s" for count in counts)]
        header += ["exponent", "exponent of the last part", *(f"{count:,} files, peak MiB" for count in counts)]
        rows = []
        for step in results.steps(names[0]):
            seconds = [results.seconds(name, step, tool) for name in names]
            row = [step, *("-" if s is None else f"{s:.2f}" for s in seconds)]
            known = [s for s in seconds if s is not None]
            if len(known) == len(counts):
                row += [f"{growth_exponent(counts, known):.2f}", f"{growth_exponent(counts[-2:], known[-2:]):.2f}"]
            else:
                row += ["-", "-"]
            rows.append(row + [_mebibytes(results.peak_bytes(name, step, tool)) for name in names])
        parts.append(_table(header, rows))
    verdict = targets.judge_memory(results, names[-1])
    return [*parts, f"- {verdict.target}: {verdict.word}"]


def _start(results: Results) -> str:
    judges = {workloads.VERSION: targets.judge_version, workloads.TINY_STATUS: targets.judge_tiny_status}
    tools = results.tools("start")
    header = ["command", *(f"{tool}, {what}" for tool in tools for what in ("ms", "ms of CPU", "peak MiB"))]
    header += ["target for dvcx", "reached"]
    rows = []
    for step in results.steps("start"):
        row = [step]
        for tool in tools:
            samples = results.of("start", step, tool)
            row += [
                _spread([s.cost.seconds * 1000 for s in samples], digits=0),
                _spread([s.cost.cpu_seconds * 1000 for s in samples], digits=0),
                _mebibytes(results.peak_bytes("start", step, tool)),
            ]
        verdict = judges[step](results, step) if step in judges else None
        rows.append(row + (["", ""] if verdict is None else [verdict.target, verdict.word]))
    return _table(header, rows)


def _failures(results: Results) -> str:
    lines = []
    for failure in results.failures:
        reason = failure.reason.replace("\n", "\n  ")
        lines.append(f"- {failure.workload}, round {failure.round + 1}, {failure.tool}, {failure.step}: {reason}")
    return "\n".join(lines)


def _bullets(facts: Mapping[str, str]) -> str:
    return "\n".join(f"- {label}: {value}" for label, value in facts.items())


def _spread(values: Sequence[float], digits: int = 2) -> str:
    if not values:
        return "-"
    middle = f"{statistics.median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def _median(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f}" if values else "-"


def _mebibytes(size: int | None) -> str:
    if size is None:
        return "-"
    return f"{size / MIB:,.1f}" if size < 100 * MIB else f"{size / MIB:,.0f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = [
        "| "
        + " | ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in [header, *rows]
    ]
    rule = (
        "|"
        + "|".join("-" * (width + 2) if column == 0 else "-" * (width + 1) + ":" for column, width in enumerate(widths))
        + "|"
    )
    return "\n".join([lines[0], rule, *lines[1:]])
