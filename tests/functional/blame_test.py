from __future__ import annotations

import shutil
from pathlib import Path

from tests.functional.arranging import use_store
from tests.project import Project


def blamed(project: Project, *words: str) -> dict[str, str | None]:
    """The commit of each file."""
    return {each["path"]: each["commit"] for each in project.json("blame", *words)["files"]}


def test_each_file_has_the_commit_that_made_it_what_it_is(project: Project) -> None:
    one = project.save({"data/a": "1", "data/in/b": "1", "data/in/c": "1"}, tag="v1")
    two = project.save({"data/in/b": "2", "data/d": "2"}, "data")
    project.commit({"code.py": "1"})
    (project.path / "data/a").unlink()
    three = project.save({"data/in/b": "3"}, "data")
    assert blamed(project, "data") == {"data/d": two, "data/in/b": three, "data/in/c": one}
    assert blamed(project, "data/in") == {"data/in/b": three, "data/in/c": one}
    assert blamed(project, "data/in/b") == {"data/in/b": three}
    assert blamed(project, "data", "--rev", "v1") == dict.fromkeys(["data/a", "data/in/b", "data/in/c"], one)
    run = project.dvcx("blame", "data").ok()
    assert run.lines[0].split()[0] == two[:10] and "Ada Test" in run.lines[0] and run.lines[0].endswith("data/d")


def test_a_file_that_went_back_belongs_to_the_commit_that_took_it_back(project: Project) -> None:
    project.save({"data/a": "1", "data/b": "1"})
    project.save({"data/a": "2"}, "data")
    back = project.save({"data/a": "1"}, "data")
    assert blamed(project, "data")["data/a"] == back


def test_files_keep_their_commits_through_a_merge(project: Project) -> None:
    base = project.save({"data/a": "1", "data/b": "1", "data/c": "1"})
    project.git("checkout", "--quiet", "-b", "other")
    theirs = project.save({"data/b": "theirs"}, "data")
    project.git("checkout", "--quiet", "main")
    project.dvcx("checkout").ok()
    ours = project.save({"data/c": "ours"}, "data")
    project.git("merge", "--quiet", "other", "-m", "merged")
    assert blamed(project, "data") == {"data/a": base, "data/b": theirs, "data/c": ours}


def test_what_a_merge_itself_decided_belongs_to_the_merge(project: Project) -> None:
    project.save({"data/a": "1", "data/b": "1"})
    project.git("checkout", "--quiet", "-b", "other")
    project.save({"data/a": "theirs"}, "data")
    project.git("checkout", "--quiet", "main")
    project.dvcx("checkout").ok()
    project.save({"data/a": "ours"}, "data")
    project.git("merge", "other", check=False)
    project.dvcx("resolve", "--ours").ok()
    merged = project.save({"data/a": "both"}, "data")
    assert blamed(project, "data")["data/a"] == merged


def test_all_that_is_tracked_in_a_folder(project: Project) -> None:
    one = project.save({"sub/x": "1", "y": "1"}, "sub/x", "y")
    assert blamed(project, "sub") == {"sub/x": one}
    assert blamed(project, ".") == {"sub/x": one, "y": one}


def test_versions_that_were_never_here_are_unknown(project: Project, tmp_path: Path) -> None:
    use_store(project)
    project.save({"data/a": "1", "data/in/b": "1"})
    two = project.save({"data/a": "2"}, "data")
    project.dvcx("push", "--all-commits").ok()
    clone = project.clone(tmp_path / "clone")
    assert clone.dvcx("blame", "data").code == 4
    clone.dvcx("pull").ok()
    run = clone.dvcx("blame", "data")
    assert "unknown" in run.ok().out and "fetch --all-commits" in run.err
    clone.dvcx("fetch", "--all-commits").ok()
    assert blamed(clone, "data")["data/a"] == two
    shutil.rmtree(clone.path / "data")
    assert blamed(clone, "data")["data/a"] == two


def test_paths_that_are_not_tracked_are_told(project: Project) -> None:
    project.save({"data/a": "1"})
    assert project.dvcx("blame", "nothing").code == 2
    assert project.dvcx("blame", "data/nothing").code == 2
    assert project.dvcx("blame", "--rev", "--output=x", "data").code == 2
