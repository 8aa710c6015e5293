"""Ten `dvc.yaml` files, which between them use every feature of the schema, mean the same to DVC and to dvcx."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dvcx.pipeline.flags import FlagStyle
from tests.referee.environment import dvc_python
from tests.referee.normal import resolved_by_dvcx, same_form

pytestmark = [pytest.mark.slow, pytest.mark.referee, pytest.mark.timeout(1000)]

HERE = Path(__file__).parent
PROJECTS = sorted(folder.name for folder in (HERE / "projects").iterdir() if folder.is_dir())
OTHER_STYLE = FlagStyle("boolean_optional", "append")


@pytest.fixture(scope="module")
def referee() -> Path:
    return dvc_python()


def test_there_are_ten_projects() -> None:
    assert len(PROJECTS) == 10


@pytest.mark.parametrize("name", PROJECTS)
def test_a_renamed_file_means_the_same(name: str, referee: Path, tmp_path: Path) -> None:
    assert_same(name, referee, tmp_path, FlagStyle())


def test_the_settings_for_flags_mean_the_same(referee: Path, tmp_path: Path) -> None:
    assert_same("06-flags", referee, tmp_path, OTHER_STYLE)


def assert_same(name: str, referee: Path, tmp_path: Path, style: FlagStyle) -> None:
    """Resolves a copy of the project with DVC, then again with dvcx after its files are renamed."""
    project = tmp_path / name
    shutil.copytree(HERE / "projects" / name, project)
    expected = ask_dvc(referee, project, style)
    pointers = [str(path.relative_to(project)).removesuffix(".dvc") for path in project.rglob("?*.dvc")]
    for file in list(project.rglob("dvc.yaml")):
        file.rename(file.with_name("dvcx.yaml"))
    found = as_json(resolved_by_dvcx(project, pointers, style))
    add_what_only_dvcx_tells(expected, found)
    assert found == as_json(expected)
    assert expected["stages"], "a project without stages shows nothing"


def ask_dvc(python: Path, project: Path, style: FlagStyle) -> Any:
    folder = project / ".dvc"
    folder.mkdir()
    (folder / "config").write_text(
        f"[core]\n    no_scm = True\n[parsing]\n    bool = {style.bool}\n    list = {style.list}\n"
    )
    done = subprocess.run(
        [python, HERE / "ask_dvc.py", "."], cwd=project, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return same_form(json.loads(done.stdout))


def add_what_only_dvcx_tells(expected: Any, found: Any) -> None:
    """DVC does not note that a mapping was used which became flags; dvcx does, as for any other value."""
    for address, stage in expected["stages"].items():
        used = found["stages"].get(address, {}).get("interpolated", {})
        if "${" not in str(stage) and used and "--" in str(stage["cmd"]):
            told = {key for keys in stage["interpolated"].values() for key in keys}
            assert told <= {key for keys in used.values() for key in keys}
            stage["interpolated"] = used


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))
