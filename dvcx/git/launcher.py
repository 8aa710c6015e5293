"""The script through which Git starts dvcx for hooks and drivers, also when its virtual environment is not active.

It lies in `<common dir>/dvcx/launch`, which all worktrees share and which moves along with the repository.
"""

from __future__ import annotations

import os
import shlex
import sys

from dvcx.base.files import write_atomically
from dvcx.git.location import GitLocation
from dvcx.git.process import ask_git
from dvcx.git.settings import set_git_setting, unset_git_setting

ENTRY = "__git"
"""The word on dvcx's command line that Git's calls begin with; what follows is in `dvcx/cli/git_calls.py`."""

_LAUNCH = """\
#!/bin/sh
# Starts dvcx for Git's hooks and drivers. Written by dvcx {version}; `dvcx install` writes it anew.
program={program}
python={python}
if [ -x "$program" ]; then
    exec "$program" "$@"
elif [ -x "$python" ] && "$python" -P -c 'import dvcx' 2>/dev/null; then
    exec "$python" -P -m dvcx "$@"
elif command -v dvcx >/dev/null 2>&1; then
    exec dvcx "$@"
fi
echo "error: dvcx is neither in $program nor on the PATH" >&2
echo "hint: install it (\\`pip install git-dvcx\\`) and run \\`dvcx install\\`, or \\`dvcx install --uninstall\\`" >&2
exit 1
"""
_CALL = f'"$(git rev-parse --git-common-dir)/dvcx/launch" {ENTRY}'
_SETTINGS = {
    "merge.dvcx.name": "dvcx: pointers, entry by entry",
    "merge.dvcx.driver": f"{_CALL} merge %O %A %B %L %P %X %Y",
    # Ancestors of a criss-cross merge are merged with each other first: a conflict there would be no base.
    "merge.dvcx.recursive": "binary",
    "diff.dvcx.textconv": f"{_CALL} textconv",
}


def has_drivers(git: GitLocation) -> bool:
    """Tells whether Git was told of the drivers in this repository; costs one look at a file."""
    return os.path.exists(git.common_dir / "dvcx" / "launch")


def write_drivers(git: GitLocation, version: str) -> bool:
    """Sets up the launcher and Git's settings for the drivers; tells whether anything was different before."""
    wanted = _launch(version)
    path = git.common_dir / "dvcx" / "launch"
    known = ask_git(git, ["config", "--local", "--null", "--get-regexp", r"^(merge|diff)\.dvcx\."]).out.decode(
        "utf-8", "replace"
    )
    is_set = set(known.split("\0")) >= {f"{key}\n{value}" for key, value in _SETTINGS.items()}
    is_written = _text_of(path) == wanted
    if is_set and is_written:
        return False
    for key, value in _SETTINGS.items():
        set_git_setting(git, key, value)
    # The launcher comes last: where it is, everything is.
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, os.fsencode(wanted), mode=0o777)
    return True


def remove_drivers(git: GitLocation) -> None:
    """Takes the launcher and the settings away."""
    for key in _SETTINGS:
        unset_git_setting(git, key)
    (git.common_dir / "dvcx" / "launch").unlink(missing_ok=True)


def _launch(version: str) -> str:
    # The names as they were used, not resolved: a virtual environment is known by them.
    python = os.path.abspath(sys.executable)
    program = os.path.join(os.path.dirname(python), "dvcx")
    return _LAUNCH.format(version=version, program=shlex.quote(program), python=shlex.quote(python))


def _text_of(path: os.PathLike[str]) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(64 * 1024)
    except FileNotFoundError:
        return None
