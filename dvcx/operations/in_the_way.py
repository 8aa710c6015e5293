"""The error of a checkout that would replace files that nobody saved: which those are, and what to type."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from dvcx.base.errors import Refused, shown
from dvcx.base.text import counted
from dvcx.operations.targets import Target
from dvcx.workspace.state import State

_FEW = 5


class InTheWay(Refused):
    """Files that nobody saved stop a checkout of `data`, tracked paths.

    `is_of_another_revision` tells that their pointer has changed since dvcx put them there, as after `git checkout`:
    then `dvcx add` would put what an older or newer revision had under the pointer of this one.
    """

    def __init__(self, files: Sequence[str], data: Sequence[str], *, is_of_another_revision: bool) -> None:
        self.data = tuple(data)
        self.is_of_another_revision = is_of_another_revision
        super().__init__(
            f"{counted(len(files), 'file has', 'files have')} changes that nobody saved and would be replaced: "
            f"{shown(files)}",
            self.advice(),
            files,
        )

    def advice(self, back: str | None = None) -> str:
        """Gives what to type; `back` is the command that goes back to the revision whose data they are."""
        named = self.data if 0 < len(self.data) <= _FEW else ()
        names = "".join(f" {shlex.quote(path)}" for path in named)
        replace = f"`dvcx checkout --force{names}` replaces them, and `dvcx undo` brings them back"
        add = f"`dvcx add{names or ' PATH'}`"
        if not self.is_of_another_revision:
            return f"{add} keeps them; {replace}"
        there = f"go back with `{back}`" if back else "go back to the commit that they were made in"
        return f"{replace}; or {there} and keep them there with {add}"


def in_the_way(files: Sequence[str], targets: Sequence[Target], state: State) -> InTheWay:
    """Gives the error for `files` (paths in the project) that stop a checkout of `targets`."""
    by_path = {target.path: target for target in targets}
    found: dict[str, Target] = {}
    for file in files:
        path = file
        while path and path not in by_path:
            path = path.rpartition("/")[0]
        if path:
            found[path] = by_path[path]
    is_old = any(_changed_since(target, state) for target in found.values())
    return InTheWay(files, sorted(found), is_of_another_revision=is_old)


def _changed_since(target: Target, state: State) -> bool:
    then = state.tracked_then(target.output) or state.baseline(target.output)
    return then is not None and then != target.pointer.id.digest
