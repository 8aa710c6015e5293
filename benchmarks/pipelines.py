"""Compares dvcx and DVC on pipelines: looking at 5,000 stages, running 1,000, two at once, and doing nothing.

python benchmarks/pipelines.py                                    # about four minutes
python benchmarks/pipelines.py --stages 500 --runs 100 --limit 20 # a quick try
python benchmarks/pipelines.py --tools dvcx
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import machine
from blake3 import blake3
from tools import Tool, install_dvc, install_dvcx

WORK = Path(__file__).parent / ".work" / "pipelines"
CHAIN = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", action="append", choices=["dvc", "dvcx"], help="repeatable; default: both")
    parser.add_argument("--stages", type=int, default=5000, help="of the graph that is only looked at")
    parser.add_argument("--runs", type=int, default=1000, help="stages of `echo` that are run")
    parser.add_argument("--limit", type=float, default=60, help="seconds after which DVC's run is cut off")
    parser.add_argument("--dvc", type=Path, help="the folder of an environment with DVC in it; else it is installed")
    options = parser.parse_args(arguments)
    environments = Path(__file__).parent / ".work" / "environments"
    tools = []
    for name in options.tools or ["dvcx", "dvc"]:
        if name == "dvc" and options.dvc is not None:
            tools.append(Tool("dvc", str(options.dvc / "bin/dvc"), "DVC 3.67", (), ".dvc/cache", (".dvc/tmp",)))
        else:
            tools.append(install_dvc(environments) if name == "dvc" else install_dvcx(environments))
    shutil.rmtree(WORK, ignore_errors=True)
    print(machine.describe(WORK.parent))
    print("| workload | " + " | ".join(tool.name for tool in tools) + " |")
    print("| --- |" + " ---: |" * len(tools))
    for label, measure in (
        (f"{options.stages:,} stages, nothing changed: `status`", lambda tool: look(tool, options.stages)),
        (f"{options.runs:,} stages of `echo`: `repro`", lambda tool: run_echo(tool, options.runs, options.limit)),
        ("the same again, nothing to do", run_again),
        ("two stages of 3 s, `repro -j 2`", two_at_once),
    ):
        print(f"| {label} | " + " | ".join(measure(tool) for tool in tools) + " |", flush=True)
    shutil.rmtree(WORK, ignore_errors=True)
    return 0


def look(tool: Tool, count: int) -> str:
    """`status` of stages that are as their lock says: written here, since DVC would need hours to run them."""
    project = _project(tool, "look")
    stages, records = [], []
    (project / "s").mkdir()
    (project / "source.txt").write_text("source\n")
    for number in range(count):
        dep = f"s/{number - 1}.txt" if number % CHAIN else "source.txt"
        (project / f"s/{number}.txt").write_text(f"{number}\n")
        stages.append(
            f"  s{number}:\n    cmd: echo {number} > s/{number}.txt\n    deps: [{dep}]\n"
            f"    outs:\n    - s/{number}.txt: {{cache: false}}\n"
        )
        records.append(_record(tool, project, number, dep))
    (project / f"{tool.name}.yaml").write_text("stages:\n" + "".join(stages))
    head = "dvcx: 1\n" if tool.name == "dvcx" else "schema: '2.0'\n"
    (project / f"{tool.name}.lock").write_text(f"{head}stages:\n" + "".join(records))
    _run(tool, project, "status")  # the first one hashes every file
    seconds, out = _run(tool, project, "status")
    assert "up to date" in out, out[-500:]
    return f"{seconds:.2f} s"


def _record(tool: Tool, project: Path, number: int, dep: str) -> str:
    out = f"s/{number}.txt"
    if tool.name == "dvcx":
        lines = [f"  s{number}:\n    cmd: echo {number} > {out}\n    deps:\n", _dvcx_line(project, dep)]
        return "".join([*lines, "    outs:\n", _dvcx_line(project, out, ', "cache": false')])
    lines = [f"  s{number}:\n    cmd: echo {number} > {out}\n    deps:\n", _dvc_line(project, dep)]
    return "".join([*lines, "    outs:\n", _dvc_line(project, out)])


def _dvcx_line(project: Path, path: str, more: str = "") -> str:
    data = (project / path).read_bytes()
    return f'      {json.dumps(path)}: {{"id": "blake3:{blake3(data).hexdigest()}", "size": {len(data)}{more}}}\n'


def _dvc_line(project: Path, path: str) -> str:
    data = (project / path).read_bytes()
    digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return f"    - path: {path}\n      hash: md5\n      md5: {digest}\n      size: {len(data)}\n"


def run_echo(tool: Tool, count: int, limit: float) -> str:
    """`repro` of independent stages of `echo`; after `limit` seconds DVC is cut off, and what it did by then counts."""
    project = _project(tool, "echo")
    (project / "source.txt").write_text("source\n")
    stages = (
        f"  s{number}:\n    cmd: echo {number} > o{number}.txt\n    deps: [source.txt]\n    outs: [o{number}.txt]\n"
        for number in range(count)
    )
    (project / f"{tool.name}.yaml").write_text("stages:\n" + "".join(stages))
    try:
        seconds, _ = _run(tool, project, "repro", "-q", limit=limit if tool.name == "dvc" else None)
    except subprocess.TimeoutExpired:
        done = (project / "dvc.lock").read_text().count("    cmd:")
        return f"{done} of them in {limit:.0f} s"
    return f"{seconds:.1f} s"


def run_again(tool: Tool) -> str:
    """The same `repro` with nothing to do, and what that is for each stage beyond the start of the program."""
    project = WORK / tool.name / "echo"
    count = (project / f"{tool.name}.yaml").read_text().count("    cmd:")
    if tool.name == "dvc" and (project / "dvc.lock").read_text().count("    cmd:") < count:
        return "-"
    start, _ = _run(tool, project, "--help")
    seconds, _ = _run(tool, project, "repro", "-q")
    return f"{seconds:.2f} s ({(seconds - start) / count * 1000:.2f} ms a stage)"


def two_at_once(tool: Tool) -> str:
    """Two independent stages of three seconds; DVC has no -j."""
    project = _project(tool, "two")
    stages = (f"  s{n}:\n    cmd: sleep 3; echo {n} > o{n}.txt\n    outs: [o{n}.txt]\n" for n in (1, 2))
    (project / f"{tool.name}.yaml").write_text("stages:\n" + "".join(stages))
    seconds, _ = _run(tool, project, "repro", *(["-j", "2"] if tool.name == "dvcx" else []))
    return f"{seconds:.1f} s"


def _project(tool: Tool, name: str) -> Path:
    project = WORK / tool.name / name
    project.mkdir(parents=True)
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    _run(tool, project, "init", "-q")
    return project


def _run(tool: Tool, project: Path, *words: str, limit: float | None = None) -> tuple[float, str]:
    environment = {**tool.environment(WORK / tool.name / "home"), "DVC_NO_ANALYTICS": "1"}
    os.sync()
    began = time.perf_counter()
    done = subprocess.run(
        [tool.program, *words], cwd=project, env=environment, capture_output=True, text=True, timeout=limit, check=True
    )
    return time.perf_counter() - began, done.stdout + done.stderr


if __name__ == "__main__":
    raise SystemExit(main())
