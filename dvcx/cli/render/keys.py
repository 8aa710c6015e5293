"""The keys of encrypted remotes as text."""

from __future__ import annotations

import os

from dvcx.cli.console import Console
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.cli.text import bold, dim
from dvcx.operations.remote_keys import KeysChange, KeysInfo, Rotation


def render_keys(info: KeysInfo, console: Console) -> None:
    """Shows each member on a line, and what still lies under older keys."""
    console.table([(bold(each.name), each.public_key, dim("(you)") if each.you else "") for each in info.members])
    if info.older:
        console.say(
            f"{info.older} files ({size_text(info.older_size or 0)}) still lie under an older data key, "
            "which people who were removed may have"
        )
        console.next_step(f"dvcx remote keys rotate {info.remote}")


def render_keys_change(change: KeysChange, console: Console, done: str) -> None:
    """Tells what was `done` to the keys, and which file to commit."""
    console.say(done)
    if change.tracked:
        names = " ".join(map(os.path.relpath, change.files))
        console.next_step(f"git add {names} && git commit, so that others know the key ring")


def render_rotation(result: Rotation, console: Console) -> None:
    """Tells what a rotation did or would do."""
    what = f"{count_text(result.files, 'file')} ({size_text(result.size)})"
    key = "a new data key" if result.new_key else "the newest data key"
    if result.dry_run:
        console.say(f"would encrypt {what} of {result.remote} anew under {key}")
    else:
        console.say(f"{what} of {result.remote} now lie under {key}")
