"""Show or choose the folder of the cache, for example one on a disk that several projects share.

A relative PATH is kept relative to the project's root. What the old folder holds stays there.

Examples:
    dvcx cache dir
    dvcx cache dir --local /disk/shared/cache   # only for this working tree
    dvcx cache dir --unset
"""

from __future__ import annotations

import os
import shlex
from typing import Annotated

import typer

from dvcx.base.errors import UsageError
from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation, Outcome
from dvcx.cli.levels import chosen_level
from dvcx.cli.options import GlobalLevel, LocalLevel, ProjectLevel
from dvcx.cli.render.sizes import count_text
from dvcx.operations.cache_place import CacheDir, CacheMove, cache_dir, set_cache_dir
from dvcx.operations.settings import Settings


def command(
    call: Invocation,
    path: Annotated[str | None, typer.Argument(metavar="PATH", help="the folder to use from now on")] = None,
    everywhere: GlobalLevel = False,
    project: ProjectLevel = False,
    local: LocalLevel = False,
    unset: Annotated[bool, typer.Option("--unset", "-u", help="go back to the folder inside the repository")] = False,
) -> Outcome:
    if unset and path is not None:
        raise UsageError("--unset takes no folder", "`dvcx cache dir --unset`")
    repo = call.repo()
    level = chosen_level(everywhere=everywhere, project=project, local=local)
    if path is None and not unset:
        return Outcome(cache_dir(repo))
    moved = set_cache_dir(repo, Settings(repo, call.environment), path, call.directory, level=level)
    return Outcome(moved, render=_show_move)


def render(result: CacheDir, console: Console) -> None:
    console.line(result.path)
    why = f"set in {result.where}" if result.where else "the default"
    console.detail(f"{why} ({result.level})")


def _show_move(move: CacheMove, console: Console) -> None:
    console.say(f"the cache is {move.path} now, set in {os.path.relpath(move.file)}")
    if move.in_workspace:
        console.warn(
            "it lies among the project's own files: `git clean -fdx` would remove it, `git add` would take it in",
            "choose a folder outside, or leave the cache where it is by default: `dvcx cache dir --unset`",
        )
    if move.left:
        old, new = shlex.quote(move.old_path), shlex.quote(move.path)
        console.say(f"{move.old_path} keeps {count_text(move.left, 'file')}: `dvcx fetch` gets what is on a remote")
        console.next_step(f"mkdir -p {new} && cp -a {old}/. {new}/ to take along all it holds")
