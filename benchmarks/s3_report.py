"""Prints what `s3_compare.py` found as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from data import MIB

if TYPE_CHECKING:
    from s3_compare import Sample

# What is to be reached, by workload and step: DVC's seconds through dvcx's at least, dvcx's requests at most.
RATIOS = {
    ("small", "push"): 15.0,
    ("small", "push, nothing new"): 5.0,
    ("small", "clone and pull"): 10.0,
    ("small", "push after an edit"): 5.0,
    ("large", "push"): 2.0,
    ("large", "push, nothing new"): 5.0,
    ("large", "clone and pull"): 1.5,
    ("large", "push after an edit"): 5.0,
}
REQUESTS = {
    ("small", "push"): 39,
    ("small", "push, nothing new"): 3,
    ("small", "clone and pull"): 39,
    ("large", "push, nothing new"): 3,
}
COPIERS = ("rclone", "s5cmd")
PEAK = {"small": 300 * MIB, "large": 400 * MIB}


def render(
    samples: Sequence[Sample], failures: Sequence[str], machine: Mapping[str, str], steps: Sequence[str], scale: float
) -> str:
    """The whole report."""
    parts = ["\n".join(f"- {name}: {value}" for name, value in machine.items())]
    if scale != 1:
        parts.append(f"**Scaled down by {scale:g}: a try. The targets are meant for the full size.**")
    for workload in dict.fromkeys(sample.workload for sample in samples):
        some = [sample for sample in samples if sample.workload == workload]
        parts += [f"### `{workload}` on an S3 server", _times(some, workload, steps)]
        counted = [sample for sample in some if sample.counted is not None]
        if counted:
            parts.append(_counts(counted, workload, steps))
    if failures:
        parts.append("### Failures\n\n" + "\n".join(f"- {failure}" for failure in failures))
    return "\n\n".join(parts) + "\n"


def _times(samples: Sequence[Sample], workload: str, steps: Sequence[str]) -> str:
    found = {(s.tool, s.step): s.cost for s in samples if s.counted is None}
    tools = list(dict.fromkeys(tool for tool, _ in found))
    header = ["step", *(f"{tool}, s" for tool in tools), "DVC ÷ dvcx", "target"]
    header += [f"{tool} ÷ dvcx" for tool in COPIERS]
    header += [f"{tool}, peak MiB" for tool in tools]
    rows = []
    for step in steps:
        cells = [step, *(_seconds(found.get((tool, step))) for tool in tools)]
        dvc, dvcx = (found.get((tool, step)) for tool in ("dvc", "dvcx"))
        ratio = dvc.seconds / dvcx.seconds if dvc and dvcx else None
        least = RATIOS[workload, step]
        verdict = "" if ratio is None else " yes" if ratio >= least else " NO"
        cells += [f"{ratio:.1f}" if ratio else "-", f">= {least:g}{verdict}"]
        copied = [found.get((tool, step)) for tool in COPIERS]
        cells += [f"{other.seconds / dvcx.seconds:.2f}" if dvcx and other else "-" for other in copied]
        cells += [f"{cost.peak_bytes / MIB:.0f}" if (cost := found.get((tool, step))) else "-" for tool in tools]
        rows.append(cells)
    peak = max((cost.peak_bytes for (tool, _), cost in found.items() if tool == "dvcx"), default=0)
    told = f"Peak memory of dvcx: {peak / MIB:.0f} MiB (target: below {PEAK[workload] // MIB})."
    return f"{_table(header, rows)}\n\n{told}"


def _counts(samples: Sequence[Sample], workload: str, steps: Sequence[str]) -> str:
    latencies = sorted({sample.latency for sample in samples if sample.latency is not None})
    header = ["dvcx, behind a proxy", "requests", "target", "of which", "MiB sent", "MiB received"]
    header += [f"s at {latency} ms a request" for latency in latencies]
    rows = []
    for step in steps:
        found = {sample.latency: sample for sample in samples if sample.step == step}
        if not found:
            continue
        counted = next(iter(found.values())).counted
        assert counted is not None
        most = REQUESTS.get((workload, step))
        target = "" if most is None else f"<= {most} {'yes' if counted.total <= most else 'NO'}"
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counted.requests.items()))
        row = [step, str(counted.total), target, kinds, f"{counted.sent / MIB:.1f}", f"{counted.received / MIB:.1f}"]
        rows.append(row + [_seconds(found[latency].cost) if latency in found else "-" for latency in latencies])
    return _table(header, rows)


def _seconds(cost: object) -> str:
    return f"{cost.seconds:.2f}" if cost is not None else "-"  # type: ignore[attr-defined]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---", *("---:" for _ in header[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
