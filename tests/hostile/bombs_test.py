"""Trees that are small to store and endless to walk, and names that speak to terminals."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvcx.formats.table import Role
from tests.hostile.crafting import (
    BLAKE3,
    CONTENT,
    FOLDER,
    Thing,
    Watch,
    file_entry,
    folder_with,
    lay_in_cache,
    lay_on_remote,
    nested,
    run_bounded,
    run_here,
    set_remote,
    tree_bytes,
)
from tests.project import Project

LOOKS = (
    ("status",),
    ("status", "--granular", "data"),
    ("ls", "-R"),
    ("ls", "-R", "data"),
    ("ls", "data"),
    ("du",),
    ("diff", "HEAD~1", "HEAD"),
    ("diff",),
    ("log", "data"),
    ("log", "data/a/a/a"),
    ("gc", "--dry-run"),
    ("gc", "--yes"),
    ("fsck",),
    ("push", "--dry-run"),
    ("push",),
    ("fetch",),
    ("checkout", "--dry-run"),
    ("checkout",),
    ("pull",),
    ("pull", "data/a/a"),
    ("add", "good"),
)


def doubling(levels: int, *, honest: bool) -> Thing:
    """Gives a tree of 2^levels files: each level has two names for the level below."""
    objects: list[tuple[Role, bytes]] = [(Role.BLOB, CONTENT)]
    entry = file_entry("a")
    for level in range(levels):
        _, kind, digest, size, files = entry
        data = tree_bytes([("a", kind, digest, size, files), ("b", kind, digest, size, files)])
        objects.append((Role.TREE, data))
        total = 2 ** (level + 1) if honest else 1
        entry = ("a", FOLDER, BLAKE3.of(data), total * len(CONTENT), total)
    return Thing("data", BLAKE3.of(objects[-1][1]), tuple(objects), "folder", 2**levels * len(CONTENT), 2**levels)


@pytest.fixture
def victim(tmp_path: Path) -> Project:
    """A project with good data and a remote."""
    project = Project.make(tmp_path / "project")
    set_remote(project, tmp_path / "store")
    project.save({"good/file": "good data"}, "good")
    return project


def _walk_everything(victim: Project, thing: Thing, tmp_path: Path, *, codes: tuple[int, ...]) -> None:
    lay_in_cache(victim, thing)
    victim.write("data.dvcx", thing.pointer())
    victim.commit(message="hostile")
    watch = Watch(tmp_path, victim.path / "data", victim.path / ".git", tmp_path / "store", victim.path / "good.dvcx")
    for words in LOOKS:
        run = run_bounded(victim, *words, seconds=15)
        assert run.code in codes, f"{words}: {run.code} {run.err}"
        assert len(run.out) < 50_000_000
        watch.check()


@pytest.mark.slow
@pytest.mark.parametrize("honest", [True, False])
def test_a_tree_of_2_to_the_40_files_is_refused_not_walked(victim: Project, tmp_path: Path, honest: bool) -> None:
    _walk_everything(victim, doubling(40, honest=honest), tmp_path, codes=(0, 2, 3, 6))
    assert not (victim.path / "data").exists()


@pytest.mark.slow
@pytest.mark.parametrize("depth", [600, 5_000, 60_000])
def test_folders_nested_too_deep_are_refused_not_walked(victim: Project, tmp_path: Path, depth: int) -> None:
    _walk_everything(victim, nested(["a"] * depth), tmp_path, codes=(0, 2, 3, 4, 6))
    assert not (victim.path / "data").exists()


@pytest.mark.parametrize(
    "thing",
    [doubling(40, honest=True), doubling(40, honest=False), nested(["a"] * 6_000)],
    ids=["2^40", "lies", "deep"],
)
@pytest.mark.parametrize("words", [("checkout",), ("status",), ("ls", "-R"), ("du",), ("pull",)], ids=" ".join)
def test_endless_trees_end(victim: Project, tmp_path: Path, thing: Thing, words: tuple[str, ...]) -> None:
    if words == ("pull",):
        lay_on_remote(tmp_path / "store", thing)
    else:
        lay_in_cache(victim, thing)
    victim.write("data.dvcx", thing.pointer())
    victim.commit(message="hostile")
    run = run_bounded(victim, *words, seconds=15)
    assert run.code in (0, 3, 6), run.err
    assert not (victim.path / "data").exists()


ESCAPES = (
    "\x1b[2J\x1b[31mred",
    "\x1b]0;title\x07",
    "back\x08space",
    "\r overwritten",
    "\u202egnp.exe",
    "\x9b31m",
    "two\nlines",
)


def test_names_that_speak_to_terminals_are_shown_harmlessly(victim: Project, tmp_path: Path) -> None:
    thing = folder_with(sorted((file_entry(name) for name in ESCAPES), key=lambda entry: str(entry[0])))
    lay_in_cache(victim, thing)
    victim.write("data.dvcx", thing.pointer())
    victim.commit(message="escapes")
    victim.dvcx("checkout").ok()
    assert set(victim.files("data")) == set(ESCAPES)
    for name in ESCAPES:
        victim.write(f"data/{name}", "changed")
    for words in (
        *LOOKS,
        ("remove", "--outs", "data"),
        ("undo",),
        ("undo", "--list"),
        ("status", "--json"),
        ("add", "data"),
    ):
        run = run_here(victim, *words)
        assert "\u202e" not in run.out + run.err, words


@pytest.mark.parametrize("name", ["\x1b[31mred", "\u202egnp.exe"])
def test_branches_and_messages_that_speak_to_terminals_are_shown_harmlessly(victim: Project, name: str) -> None:
    victim.save({"data/a": "x"}, "data")
    victim.git("commit", "--quiet", "--allow-empty", "--amend", "-m", f"message {name}")
    for words in (
        ("log", "data"),
        ("diff", name),
        ("ls", "--rev", name),
        ("checkout", name),
        ("push", "-r", name),
        ("undo", name),
        (name,),
    ):
        run = run_here(victim, *words)
        assert "\u202e" not in run.out + run.err, words


@pytest.mark.parametrize(
    "name",
    ["--upload-pack=touch planted", "-c", "--output=planted", "@{-1}", "HEAD:file", "a..b", "", "\0", "refs/../x", "-"],
)
def test_revisions_and_remotes_that_look_like_options_are_data(victim: Project, name: str) -> None:
    if "\0" in name:
        pytest.skip("no command line can hold it")
    watch = Watch(victim.path, victim.path / ".git")
    for words in (
        ("diff", "--", name),
        ("ls", f"--rev={name}"),
        ("push", f"--remote={name}"),
        ("log", "--", name),
        ("checkout", "--", name),
    ):
        run = run_here(victim, *words)
        assert run.code in (0, 1, 2, 4, 5, 6), f"{words}: {run.err}"
        watch.check()
