"""A pipeline of two stages, and how tests look at its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.project import Project

PIPELINE = """\
stages:
  upper:
    cmd: tr a-z A-Z < raw.txt > upper.txt; echo ran >> upper.log
    deps: [raw.txt]
    outs: [upper.txt]
  count:
    cmd: wc -c < upper.txt > count.txt; echo ran >> count.log; echo '{"n":' $(cat count.txt) '}' > m.json
    deps: [upper.txt]
    params: [scale]
    outs: [count.txt]
    metrics:
    - m.json: {cache: false}
"""


def write_two_stages(project: Project) -> Project:
    """Commits two stages, one behind the other; `upper.log` and `count.log` count their runs."""
    project.write("dvcx.yaml", PIPELINE)
    project.write("raw.txt", "hello\n")
    project.write("params.yaml", "scale: 1\n")
    project.write(".gitignore", "*.log\n")
    project.commit(message="pipeline")
    return project


def runs(project: Project, *names: str) -> tuple[int, ...]:
    """How often each of the stages ran."""
    logs = [project.path / f"{name}.log" for name in names or ("upper", "count")]
    return tuple(len(log.read_bytes().splitlines()) if log.exists() else 0 for log in logs)


def actions(result: Mapping[str, Any]) -> dict[str, str]:
    """What became of each stage, as `repro --json` tells it."""
    return {each["stage"]: each["action"] for each in result["stages"]}
