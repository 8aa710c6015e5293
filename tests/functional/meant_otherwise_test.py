"""Words that stand where a path should: a remote, a revision. The hint says what was probably meant."""

from __future__ import annotations

import pytest

from tests.project import Project


@pytest.fixture
def shared(project: Project) -> Project:
    project.save({"data/a": "one"}, tag="v1")
    project.dvcx("remote", "add", "store", str(project.path.parent / "store")).ok()
    return project


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("push", "store"), "store is a remote: `-r store`"),
        (("pull", "data", "store"), "store is a remote: `-r store`"),
        (("fetch", "v1"), "v1 is a revision of Git: `--rev v1`"),
        (("status", "v1"), "v1 is a revision of Git: `dvcx diff v1`"),
        (("checkout", "v1"), "v1 is a revision of Git: `git checkout v1`"),
        (("log", "v1"), "v1 is a revision of Git: `dvcx log --rev v1 PATH`"),
        (("status", "dta"), "did you mean data?"),
        (("status", "nothing"), "`dvcx add nothing`"),
    ],
    ids=" ".join,
)
def test_the_hint_says_what_was_meant(shared: Project, words: tuple[str, ...], hint: str) -> None:
    run = shared.dvcx(*words)
    assert run.code == 2 and "is not tracked in the workspace" in run.err and hint in run.err
