from __future__ import annotations

import os

import pytest

from tests.functional.arranging import loose_files
from tests.project import Project

LARGE = b"large enough to lie in a file of its own" * 2000


def kinds(project: Project) -> dict[str, str]:
    """Tells of each file of `data` whether it is a symlink, a hardlink into the cache, or a file of its own."""
    stored = {path.stat().st_ino for path in loose_files(project)}
    found = {}
    for path in (project.path / "data").iterdir():
        linked = "hardlink" if path.stat().st_ino in stored else "copy"
        found[path.name] = "symlink" if path.is_symlink() else linked
    return found


@pytest.mark.parametrize("kind", ["hardlink", "symlink"])
def test_relink_makes_large_files_links_and_own_copies_again_and_says_which(project: Project, kind: str) -> None:
    project.add({"data/large": LARGE, "data/small": b"small", "data/run": LARGE})
    (project.path / "data/run").chmod(0o755)
    project.dvcx("add", "data").ok()
    own = {"large": "copy", "small": "copy", "run": "copy"}
    for setting, after in ((f"{kind},copy", own | {"large": kind}), ("copy", own)):
        before = kinds(project)
        project.dvcx("config", "cache.type", setting).ok()
        dry = project.dvcx("checkout", "--relink", "--dry-run").ok()
        assert (dry.out.split()[:2], kinds(project)) == (["relink", "data/large"], before)
        run = project.dvcx("checkout", "--relink").ok()
        assert (run.out.split()[:2], kinds(project)) == (["relinked", "data/large"], after)
        assert "everything" not in run.err
        again = project.dvcx("checkout", "--relink").ok()
        assert (again.out, again.err) == ("", "everything is as the pointers say, and linked as cache.type says\n")
        assert project.dvcx("status", "--exit-code").code == 0
    assert project.read("data/large") == LARGE and os.access(project.path / "data/run", os.X_OK)


def test_relink_leaves_files_alone_that_are_not_as_the_pointers_say(project: Project) -> None:
    project.add({"data/a": LARGE, "data/b": LARGE + b"b"})
    project.dvcx("config", "cache.type", "hardlink,copy").ok()
    project.write("data/a", b"edited" + LARGE)
    run = project.dvcx("checkout", "--relink")
    assert (run.code, kinds(project)) == (6, {"a": "copy", "b": "copy"})
    project.dvcx("checkout", "--relink", "data/b").ok()
    assert (kinds(project), project.read("data/a")) == ({"a": "copy", "b": "hardlink"}, b"edited" + LARGE)


def test_relink_on_the_way_says_what_else_it_did(project: Project) -> None:
    project.add({"data/a": LARGE, "data/b": LARGE + b"b"})
    project.dvcx("config", "cache.type", "hardlink,copy").ok()
    (project.path / "data/a").unlink()
    for words, verbs in ((["--dry-run"], ["create", "relink"]), ([], ["created", "relinked"])):
        run = project.dvcx("checkout", "--relink", *words).ok()
        assert [line.split()[:2] for line in run.lines] == [[verbs[0], "data/a"], [verbs[1], "data/b"]]


def test_who_names_a_revision_as_with_git_is_told_how_it_is_done(project: Project) -> None:
    project.save({"data/a": "one"}, tag="v1")
    run = project.dvcx("checkout", "v1")
    assert (run.code, "`git checkout v1`" in run.err) == (2, True)
    assert "revision of Git" not in project.dvcx("checkout", "nothing").err
