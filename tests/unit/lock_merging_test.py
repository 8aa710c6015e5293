from __future__ import annotations

from dvcx.formats.lock_merging import MergedLock, merge_locks, take_side

HEAD = "dvcx: 1\n"


def lock(**stages: str) -> str:
    """A lock file with stages that have one output each."""
    blocks = "".join(
        f'  {name}:\n    cmd: run\n    outs:\n      o: {{"id": "{out}"}}\n' for name, out in stages.items()
    )
    return HEAD + ("stages:\n" + blocks if blocks else "stages: {}\n")


def test_stages_that_one_side_ran_are_taken_from_it() -> None:
    base, ours, theirs = lock(a="1", b="1", c="1"), lock(a="2", b="1", c="1"), lock(a="1", b="2")
    assert merge_locks(base, ours, theirs) == MergedLock(lock(a="2", b="2"), ())


def test_new_stages_of_both_sides_come_together_in_order() -> None:
    assert merge_locks(lock(), lock(b="1"), lock(a="1", c="1")) == MergedLock(lock(a="1", b="1", c="1"), ())
    assert merge_locks("", lock(b="1"), lock(a="1")) == MergedLock(lock(a="1", b="1"), ())
    assert merge_locks(lock(a="1"), lock(), lock()) == MergedLock(lock(), ())


def test_a_record_is_never_put_together_from_two_runs() -> None:
    base = HEAD + "stages:\n  a:\n    deps:\n      p: 1\n      q: 1\n"
    ours, theirs = base.replace("p: 1", "p: 2"), base.replace("q: 1", "q: 2")
    merged = merge_locks(base, ours, theirs, ("main", "other"))
    assert merged is not None and merged.conflicts == ("a",)
    assert "<<<<<<< ours: main\n  a:\n" in merged.text and ">>>>>>> theirs: other\n" in merged.text
    assert take_side(merged.text, ours=True) == ours
    assert take_side(merged.text, ours=False) == theirs


def test_what_is_not_as_dvcx_writes_it_is_left_to_git() -> None:
    for odd in ("a: 1\n", HEAD + "stages:\n  # mine\n  a:\n", HEAD + "stages:\n  a: 1\n", HEAD + "stages:\n  a:"):
        assert merge_locks(lock(), odd, lock(b="1")) is None
    assert merge_locks("dvcx: 1\n" + "stages: {}\n", "dvcx: 2\nstages: {}\n", "dvcx: 3\nstages: {}\n") is None


def test_a_side_is_taken_of_every_conflict_and_a_shown_base_left_out() -> None:
    text = "x\n<<<<<<< a\n1\n||||||| b\n2\n=======\n3\n>>>>>>> c\ny\n"
    assert take_side(text, ours=True) == "x\n1\ny\n"
    assert take_side(text, ours=False) == "x\n3\ny\n"
