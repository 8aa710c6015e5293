"""Hook scripts: written beside, and chained with, whatever hooks are there already."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import DvcxError, Refused
from dvcx.base.files import write_atomically
from dvcx.git.hook_scripts import KEPT, MARK, Hook, hook_text
from dvcx.git.location import GitLocation
from dvcx.git.process import run_git

LEGACY = ".legacy"
"""What the pre-commit program calls a hook that it found, when it puts its own in the place."""


@dataclass(frozen=True, slots=True)
class HooksFolder:
    """Where Git looks for hooks. `is_shared`: it lies outside of the repository, so others may use it as well."""

    path: Path
    is_shared: bool


def hooks_folder(git: GitLocation) -> HooksFolder:
    """Gives where this worktree's hooks are, as Git finds them: `core.hooksPath` counts, worktrees share them.

    Raises `DvcxError` where hooks are switched off, and `Refused` where a link leads out of the repository.
    """
    answer = os.fsdecode(run_git(git, ["rev-parse", "--git-path", "hooks"]).removesuffix(b"\n"))
    path = Path(os.path.normpath(os.path.join(git.git_dir if git.bare else git.worktree, answer)))
    if path.exists() and not path.is_dir():
        raise DvcxError(
            f"Git's hooks are switched off here: core.hooksPath is {path}, which is no folder",
            "`git config --unset core.hooksPath` (with --global, if it stands there) switches them on",
        )
    inside = next((top for top in (git.common_dir, git.worktree) if path.is_relative_to(top)), None)
    if inside is None:
        return HooksFolder(path, True)
    if Path(os.path.realpath(path)) != path:
        raise Refused(
            f"the folder of hooks {path} leads elsewhere, by a symbolic link, to {os.path.realpath(path)}",
            "make it a folder of its own, or name the real one in core.hooksPath",
            [str(path)],
        )
    return HooksFolder(path, False)


def install_hook(folder: HooksFolder, hook: Hook) -> str:
    """Writes a hook; gives `installed`, `unchanged`, or `chained` when one that was there runs before it now."""
    path = folder.path / hook.value
    legacy = path.with_name(path.name + LEGACY)
    if is_ours(legacy, hook) and not is_ours(path, hook):
        # The pre-commit program was installed later and runs ours: what it finds is to be up to date, no more.
        return _write(legacy, folder, hook)
    is_chained = False
    if os.path.lexists(path) and not is_ours(path, hook):
        kept = path.with_name(path.name + KEPT)
        if os.path.lexists(kept):
            raise Refused(
                f"both {path} and {kept} are there and neither is dvcx's hook: which is to run?",
                f"put what they do into {path}, and remove {kept}",
                [str(path)],
            )
        folder.path.mkdir(parents=True, exist_ok=True)
        os.rename(path, kept)
        is_chained = True
    done = _write(path, folder, hook)
    return "chained" if is_chained else done


def uninstall_hook(folder: HooksFolder, hook: Hook) -> str:
    """Takes a hook away; gives `removed`, `restored` when the one from before is back, or `absent`."""
    path = folder.path / hook.value
    ours = next((each for each in (path, path.with_name(path.name + LEGACY)) if is_ours(each, hook)), None)
    if ours is None:
        return "absent"
    kept = path.with_name(path.name + KEPT)
    if os.path.lexists(kept):
        os.rename(kept, ours)
        return "restored"
    ours.unlink()
    return "removed"


def is_ours(path: Path, hook: Hook) -> bool:
    """Tells whether the file is dvcx's hook of that name, of whatever version."""
    if path.is_symlink() or not path.is_file():
        return False
    with open(path, "rb") as file:
        return f"\n{MARK}{hook.value}. ".encode() in file.read(4096)


def _write(path: Path, folder: HooksFolder, hook: Hook) -> str:
    text = hook_text(hook, is_shared=folder.is_shared)
    folder.path.mkdir(parents=True, exist_ok=True)
    if is_ours(path, hook) and path.read_bytes() == text and os.access(path, os.X_OK):
        return "unchanged"
    write_atomically(path, text, mode=0o777)
    return "installed"
