"""`dvcx install`: hooks that keep data and commits together, and the drivers for merges and diffs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dvcx.git.hook_scripts import Hook
from dvcx.git.hooks import hooks_folder, install_hook, uninstall_hook
from dvcx.git.launcher import remove_drivers
from dvcx.operations.git_setup import set_up_drivers
from dvcx.operations.revision import git_of
from dvcx.repo.record import Repo


@dataclass(frozen=True, slots=True)
class HookDone:
    """What was done to one hook: `installed`, `chained` (one that was there runs first), `unchanged`, `removed`,
    `restored` (the one from before is back) or `absent`."""

    hook: str
    done: str


@dataclass(frozen=True, slots=True)
class InstallResult:
    """What was done to hooks in `folder`; `shared` tells that it lies outside of the repository.

    `drivers` is `set up`, `unchanged`, `removed` or `kept`: how Git merges and compares pointers.
    """

    folder: str
    shared: bool
    hooks: tuple[HookDone, ...]
    drivers: str


def install(repo: Repo, hooks: Sequence[Hook] = ()) -> InstallResult:
    """Installs `hooks` (all of them when none is named) where Git looks for them, and the drivers.

    Hooks that are there already are kept and run first. Raises `DvcxError` where hooks are switched off.
    """
    git = git_of(repo, "install hooks in")
    folder = hooks_folder(git)
    drivers = "set up" if set_up_drivers(git) else "unchanged"
    done = tuple(HookDone(hook.value, install_hook(folder, hook)) for hook in hooks or tuple(Hook))
    return InstallResult(str(folder.path), folder.is_shared, done, drivers)


def uninstall(repo: Repo, hooks: Sequence[Hook] = ()) -> InstallResult:
    """Takes `hooks` away and puts those from before back; without names all of them and the drivers."""
    git = git_of(repo, "take hooks out of")
    folder = hooks_folder(git)
    done = tuple(HookDone(hook.value, uninstall_hook(folder, hook)) for hook in hooks or tuple(Hook))
    if not hooks:
        remove_drivers(git)
    return InstallResult(str(folder.path), folder.is_shared, done, "kept" if hooks else "removed")
