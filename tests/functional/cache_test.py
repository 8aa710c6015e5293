from __future__ import annotations

from pathlib import Path

from tests.project import Project


def test_the_folder_is_shown_set_and_reset(project: Project, tmp_path: Path) -> None:
    own = str(project.own_folder / "cache")
    assert project.dvcx("cache", "dir").ok().lines == [own]
    project.add({"data/a": "one"})
    (project.path / "sub").mkdir()
    run = project.dvcx("cache", "dir", "../../shared", cwd="sub").ok()
    assert "keeps" in run.err and "cp -a" in run.err
    assert 'dir = "../shared"' in project.read(".dvcx/config.toml").decode()
    assert project.json("cache", "dir")["path"] == str(tmp_path / "shared")
    project.add({"data/b": "two"})
    assert (tmp_path / "shared/packs").is_dir()
    project.dvcx("cache", "dir", "--unset").ok()
    assert project.dvcx("cache", "dir").ok().lines == [own]


def test_the_own_file_may_say_where_it_is(project: Project, tmp_path: Path) -> None:
    project.dvcx("cache", "dir", "--local", str(tmp_path / "fast")).ok()
    found = project.json("cache", "dir")
    assert (found["path"], found["level"]) == (str(tmp_path / "fast"), "local")
    assert project.dvcx("cache", "dir", "--unset", "x").code == 2
    assert project.dvcx("cache", "dir", "--unset", "--project").code == 2


def test_a_folder_among_the_project_s_files_is_warned_of(project: Project) -> None:
    assert "git clean" in project.dvcx("cache", "dir", "my-cache").ok().err


def test_the_old_cache_can_be_taken_along_as_the_hint_says(project: Project, tmp_path: Path) -> None:
    project.add({"data/a": "one", "data/big": "x" * 100_000})
    run = project.dvcx("cache", "dir", str(tmp_path / "new cache")).ok()
    command = next(line for line in run.err.splitlines() if "cp -a" in line)
    script = command.removeprefix("next: ").removesuffix(" to take along all it holds")
    project_shell(project, script)
    assert project.dvcx("status", "--exit-code").code == 0
    assert project.json("cache", "info")["objects"] == 3


def project_shell(project: Project, script: str) -> None:
    import subprocess

    subprocess.run(["sh", "-ec", script], cwd=project.path, check=True)


def test_what_the_cache_holds_is_counted(project: Project) -> None:
    empty = project.json("cache", "info")
    assert (empty["objects"], empty["size"], empty["packs"], empty["trash_entries"]) == (0, 0, 0, 0)
    project.add({"data/a": "one", "data/b": "one", "data/big": "x" * 100_000})
    found = project.json("cache", "info")
    assert (found["objects"], found["trees"], found["loose_objects"], found["loose_bytes"]) == (3, 1, 1, 100_000)
    packs = list((project.own_folder / "cache/packs").rglob("*.pack"))
    assert (found["packs"], found["pack_bytes"]) == (len(packs), sum(pack.stat().st_size for pack in packs))
    assert found["size"] == found["pack_bytes"] + found["loose_bytes"] and not found["shared"]
    assert "3, of them 1 listing of folders" in project.dvcx("cache", "info").ok().out


def test_trash_and_quarantine_are_counted(project: Project) -> None:
    project.add({"data/a": "one"})
    project.write("data/a", "an edit that nobody saved")
    project.dvcx("checkout", "--force").ok()
    (project.own_folder / "cache/quarantine").mkdir()
    (project.own_folder / "cache/quarantine/x").write_bytes(b"12345")
    found = project.json("cache", "info")
    assert found["trash_bytes"] >= 25 and found["trash_entries"] >= 1
    assert (found["quarantine_files"], found["quarantine_bytes"]) == (1, 5)
