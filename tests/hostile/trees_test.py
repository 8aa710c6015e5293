"""Trees that name what they must not: nothing outside the project is written, and the exit code says what it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvcx.formats.table import Role
from tests.hostile.crafting import (
    BLAKE3,
    CONTENT,
    EXECUTABLE,
    FILE,
    FOLDER,
    LINK,
    Entry,
    Thing,
    Watch,
    file_entry,
    folder_with,
    lay_in_cache,
    lay_on_remote,
    nested,
    run_here,
    set_remote,
)
from tests.project import Project

NAMES = {
    "parent": "..",
    "itself": ".",
    "empty": "",
    "slash": "a/b",
    "climbing": "../outside/planted",
    "absolute": "/tmp/planted-by-a-tree",
    "git": ".git",
    "git in capitals": ".GIT",
    "git with a dot": ".git.",
    "git short name": "git~1",
    "git for HFS": ".g\u200cit",
    "dvcx": ".dvcx",
    "dvcx in capitals": ".DvcX",
    "NUL": "nul\0byte",
    "too long": "n" * 256,
    "too long in UTF-8": "\u00e9" * 128,
}

REFUSED: dict[str, Thing] = {
    **{f"file {label}": folder_with([file_entry(name)]) for label, name in NAMES.items()},
    **{f"folder {label}": nested([name]) for label, name in NAMES.items()},
    "deep inside": nested(["a", "b", "..", "..", ".."]),
    "hook": nested([".git", "hooks"], file_entry("post-checkout", kind=EXECUTABLE)),
    **{
        f"link to {target!r}": folder_with([("link", LINK, target, 0, 1)])
        for target in (b"/etc", b"/", b"", b"a\0b", b"\xff\xfe", b"a/../../outside", b"x" * 5000)
    },
}

MAY_TRAVEL: dict[str, Thing] = {
    "case twins": folder_with([file_entry("README"), file_entry("readme")]),
    "unicode twins": folder_with([file_entry("e\u0301"), file_entry("\u00e9")]),
    "case twins that are folders": folder_with(
        [("A", FOLDER, BLAKE3.of(_empty := b"\x93\xa9dvcx-tree\x01\x90"), 0, 0), file_entry("a")], (Role.TREE, _empty)
    ),
    "link out": folder_with([("link", LINK, b"../outside", 0, 1)]),
    "link to hooks": folder_with([("link", LINK, b"../.git/hooks", 0, 1)]),
    "link out of a deep folder": nested(["a", "b"], ("link", LINK, b"../../../outside", 0, 1)),
}
"""Known for what they are only where they get their places: stores keep them, no workspace takes them."""


def _raw(data: bytes) -> Thing:
    return Thing("data", BLAKE3.of(data), ((Role.TREE, data),))


def _table(*entries: Entry) -> Thing:
    return folder_with(list(entries))


DAMAGED: dict[str, Thing] = {
    "not in order": _table(file_entry("b"), file_entry("a")),
    "the same name twice": _table(file_entry("a"), file_entry("a", CONTENT)),
    "an unknown kind": _table(file_entry("a", kind=9)),
    "a negative kind": _table(file_entry("a", kind=-1)),
    "a negative size": _table(("a", FILE, BLAKE3.of(CONTENT), -5, 1)),
    "2^64 - 1 bytes claimed": _table(("a", FILE, BLAKE3.of(CONTENT), 2**64 - 1, 1)),
    "a short digest": _table(("a", FILE, b"short", 5, 1)),
    "a name that is a number": _table((5, FILE, BLAKE3.of(CONTENT), 5, 1)),
    "no tree": _raw(b"this is no tree at all"),
    "nothing": _raw(b""),
    "cut off": _raw(b"\x93\xa9dvcx-tree\x01\x91\x95\xa1a"),
    "10^9 entries claimed": _raw(b"\x93\xa9dvcx-tree\x01\xdd\x3b\x9a\xca\x00" + b"\x90" * 100),
    "a name of 10^9 bytes claimed": _raw(b"\x93\xa9dvcx-tree\x01\x91\x95\xdb\x3b\x9a\xca\x00abc"),
    "100,000 arrays in one another": _raw(b"\x91" * 100_000),
    "a newer format": _raw(b"\x93\xa9dvcx-tree\x02\x90"),
}


@pytest.fixture
def victim(tmp_path: Path) -> Project:
    """A project with some data of its own, beside folders that are none of its business."""
    project = Project.make(tmp_path / "project")
    project.save({"good/file": "good data", "own.txt": "tracked by Git"}, "good")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/precious").write_text("precious")
    set_remote(project, tmp_path / "store")
    project.commit(message="settings")
    return project


def _watch(victim: Project) -> Watch:
    """Watches all that is beside the data: other folders, Git's own files, hooks, the settings of dvcx."""
    path = victim.path
    return Watch(
        path.parent,
        path / "data",
        path / ".git/dvcx",
        path / ".git/index",
        path.parent / "store",
    )


@pytest.mark.parametrize("label", REFUSED)
def test_a_tree_with_a_hostile_name_is_refused_and_writes_nothing(victim: Project, label: str) -> None:
    _check(victim, REFUSED[label], {6})


@pytest.mark.parametrize("label", MAY_TRAVEL)
def test_what_cannot_be_in_a_workspace_is_not_put_there(victim: Project, label: str) -> None:
    _check(victim, MAY_TRAVEL[label], {6}, pushes=False)


@pytest.mark.parametrize("label", DAMAGED)
def test_a_tree_that_cannot_be_is_damaged_data(victim: Project, label: str) -> None:
    _check(victim, DAMAGED[label], {3})


def _check(victim: Project, thing: Thing, codes: set[int], *, pushes: bool = True) -> None:
    lay_in_cache(victim, thing)
    victim.write("data.dvcx", thing.pointer())
    victim.commit(message="hostile")
    watch = _watch(victim)
    commands = [("checkout", "data"), ("checkout", "--force"), ("checkout",)]
    if pushes:
        commands.append(("push", "data"))
    for words in commands:
        run = run_here(victim, *words)
        assert run.code in codes, f"{words}: exit code {run.code} {run.err}"
        watch.check()
    for words in (("status",), ("status", "--granular", "data")):
        assert run_here(victim, *words).code in {0, *codes}
        watch.check()
    assert not (victim.path / "data").exists()


@pytest.mark.parametrize("label", [*list(REFUSED)[::5], *list(DAMAGED)[::3]])
def test_pulled_from_a_remote_it_is_refused_as_well(victim: Project, tmp_path: Path, label: str) -> None:
    thing = (REFUSED | DAMAGED)[label]
    codes = {6} if label in REFUSED else {3}
    lay_on_remote(tmp_path / "store", thing)
    victim.write("data.dvcx", thing.pointer())
    victim.commit(message="hostile")
    watch = _watch(victim)
    for words in (("pull", "data"), ("fetch",), ("pull",)):
        run = run_here(victim, *words)
        assert run.code in codes, f"{words}: exit code {run.code} {run.err}"
        watch.check()
    assert not (victim.path / "data").exists()
