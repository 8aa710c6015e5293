"""The steps of the workloads `small`, `large` and `scale`: what is prepared, what is timed, what is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import data
from ground import Ground
from measure import Command, StepError, run

ADD = "add"
STATUS = "status, nothing changed"
CHECKOUT = "checkout into an empty folder"
HARDLINKS = "checkout with hardlinks"
PUSH = "push to a folder"
PUSH_NOTHING = "push, nothing new"
PULL = "clone and pull from a folder"
EDITED_STATUS = "1 % edited: status"
EDITED_ADD = "1 % edited: add"
EDITED_PUSH = "1 % edited: push"
INSERTED_STATUS = "1 MiB inserted: status"
INSERTED_ADD = "1 MiB inserted: add"
INSERTED_PUSH = "1 MiB inserted: push"

FIRST_PUSH = "after the first push"
LAST_PUSH = "after the last push"


def _nothing(ground: Ground) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Step:
    """What happens before, in and after the timed region. `floor`: `cp -r` of the same data is timed beside it."""

    name: str
    commands: Callable[[Ground], list[Command]]
    prepare: Callable[[Ground], None] = _nothing
    check: Callable[[Ground], None] = _nothing
    floor: bool = False


def _tool(*words: str) -> Callable[[Ground], list[Command]]:
    return lambda ground: [ground.command(*words)]


def _add(ground: Ground) -> list[Command]:
    return [ground.command("add", ground.source.name)]


def _after_add(ground: Ground) -> None:
    ground.commit()
    ground.check(ground.workspace)


def _empty_workspace(ground: Ground) -> None:
    ground.aside.discard(ground.workspace)


def _same_data(ground: Ground) -> None:
    ground.check(ground.workspace)
    ground.check_clean(clean=True)


def _after_pull(ground: Ground) -> None:
    ground.check(ground.clone / ground.source.name)
    ground.aside.discard(ground.clone)


def _after_pull_kept(ground: Ground) -> None:
    ground.check(ground.clone / ground.source.name)


def _ask_for_hardlinks(ground: Ground) -> None:
    ground.aside.discard(ground.clone / ground.source.name)
    run([ground.command("config", "cache.type", "hardlink", folder=ground.clone)])


def _checkout_clone(ground: Ground) -> list[Command]:
    return [ground.command("checkout", folder=ground.clone)]


def _after_hardlinks(ground: Ground) -> None:
    path = ground.clone / ground.source.name
    ground.check(path)
    if path.stat().st_nlink < 2:
        raise StepError(f"{path} is no hardlink")
    ground.aside.discard(ground.clone)


def _edit(ground: Ground) -> None:
    data.edit_files(ground.workspace, 0.01)
    ground.expected = data.digest(ground.workspace)


def _insert(ground: Ground) -> None:
    data.insert_in_middle(ground.workspace, data.MIB)
    ground.expected = data.digest(ground.workspace)


def _seen_as_changed(ground: Ground) -> None:
    ground.check_clean(clean=False)


def _after_first_push(ground: Ground) -> None:
    ground.take_stock(FIRST_PUSH)


def _after_last_push(ground: Ground) -> None:
    """The remote must be complete: once a run, fetch the edited data from it, outside of all timing."""
    ground.take_stock(LAST_PUSH)
    if ground.final_check:
        run(ground.clone_and_pull())
        _after_pull(ground)


_MAIN = [
    Step(ADD, _add, check=_after_add, floor=True),
    Step(STATUS, _tool("status"), check=_same_data),
    Step(CHECKOUT, _tool("checkout"), prepare=_empty_workspace, check=_same_data, floor=True),
    Step(PUSH, _tool("push"), check=_after_first_push, floor=True),
    Step(PUSH_NOTHING, _tool("push")),
]

SMALL = [
    *_MAIN,
    Step(PULL, Ground.clone_and_pull, check=_after_pull, floor=True),
    Step(EDITED_STATUS, _tool("status"), prepare=_edit, check=_seen_as_changed),
    Step(EDITED_ADD, _add, check=_after_add),
    Step(EDITED_PUSH, _tool("push"), check=_after_last_push),
]

LARGE = [
    *_MAIN,
    Step(PULL, Ground.clone_and_pull, check=_after_pull_kept, floor=True),
    Step(HARDLINKS, _checkout_clone, prepare=_ask_for_hardlinks, check=_after_hardlinks),
    Step(INSERTED_STATUS, _tool("status"), prepare=_insert, check=_seen_as_changed),
    Step(INSERTED_ADD, _add, check=_after_add),
    Step(INSERTED_PUSH, _tool("push"), check=_after_last_push),
]

SCALE = [
    *_MAIN[:4],
    Step(PULL, Ground.clone_and_pull, check=_after_pull),
]
