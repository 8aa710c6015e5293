"""Hook scripts: written beside, and chained with, whatever hooks are there already."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dvcx.base.errors import DvcxError, Refused
from dvcx.base.files import write_atomically
from dvcx.git.launcher import ENTRY
from dvcx.git.location import GitLocation
from dvcx.git.process import run_git

KEPT = ".before-dvcx"
"""What the name of a hook that was there before ends in; ours runs it first."""
LEGACY = ".legacy"
"""What the pre-commit program calls a hook that it found, when it puts its own in the place."""

FOLLOWED = (":(top,glob)**/?*.dvcx", ":(top,glob)**/dvcx.lock", ":(top,glob)**/dvcx.yaml")
"""The files whose changes make data change, as Git's pathspecs."""

_MARK = "# dvcx hook: "
_SCRIPT = """\
#!/bin/sh
{mark}{name}. Written by `dvcx install`; `dvcx install --uninstall` takes it away.
# A hook that was here before is now {name}{kept}, and runs first. DVCX_HOOKS=0 switches this one off.
before="$(dirname -- "$0")/{name}{kept}"
{body}"""
# Git waits for the verdict of these: the first one that refuses ends it.
_CHECK = """\
{read}if [ -x "$before" ]; then
    {input}"$before" "$@" || exit $?
fi
[ "$DVCX_HOOKS" = 0 ] && exit 0
launch="$(git rev-parse --git-common-dir)/dvcx/launch"
{quiet}{input}"$launch" {entry} hook {name} "$@"
"""
# What Git tells these is done already, so both run.
_AFTER = """\
code=0
{read}if [ -x "$before" ]; then
    {input}"$before" "$@" || code=$?
fi
[ "$DVCX_HOOKS" = 0 ] && exit $code
{shortcut}launch="$(git rev-parse --git-common-dir)/dvcx/launch"
{quiet}"$launch" {entry} hook {name} "$@" </dev/null || exit $?
exit $code
"""
# Most checkouts change no pointer; Git tells that in a few milliseconds.
_SHORTCUT = """\
if [ "$3" = 1 ] && git diff-tree -r --quiet "$1" "$2" -- {specs} 2>/dev/null; then
    exit $code
fi
"""
# Two of them are told more on stdin, which both are to read.
_READ = "input=$(cat)\n"
_INPUT = "printf '%s' \"${input:+$input\n}\" | "
_QUIET = '[ -x "$launch" ] || exit 0  # this folder of hooks is used by other repositories, too\n'


class Hook(StrEnum):
    """The hooks that dvcx has."""

    POST_CHECKOUT = "post-checkout"
    POST_MERGE = "post-merge"
    POST_REWRITE = "post-rewrite"
    PRE_COMMIT = "pre-commit"
    PRE_PUSH = "pre-push"

    @property
    def has_input(self) -> bool:
        """Whether Git tells it something on stdin."""
        return self in (Hook.PRE_PUSH, Hook.POST_REWRITE)

    @property
    def is_check(self) -> bool:
        """Whether Git waits for its verdict, rather than telling it what was done."""
        return self in (Hook.PRE_COMMIT, Hook.PRE_PUSH)


_CHECKOUT = Hook.POST_CHECKOUT


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
        return f"\n{_MARK}{hook.value}. ".encode() in file.read(4096)


def _write(path: Path, folder: HooksFolder, hook: Hook) -> str:
    body = _CHECK if hook.is_check else _AFTER
    words = {
        "name": hook.value,
        "entry": ENTRY,
        "quiet": _QUIET if folder.is_shared else "",
        "read": _READ if hook.has_input else "",
        "input": _INPUT if hook.has_input else "",
        "shortcut": _SHORTCUT.format(specs=" ".join(f"'{spec}'" for spec in FOLLOWED)) if hook is _CHECKOUT else "",
    }
    text = _SCRIPT.format(mark=_MARK, kept=KEPT, body=body.format(**words), **words).encode()
    folder.path.mkdir(parents=True, exist_ok=True)
    if is_ours(path, hook) and path.read_bytes() == text and os.access(path, os.X_OK):
        return "unchanged"
    write_atomically(path, text, mode=0o777)
    return "installed"
