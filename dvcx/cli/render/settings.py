"""Settings and remotes as text."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

from dvcx.cli.console import Console
from dvcx.cli.text import bold, dim
from dvcx.config.settings import ConfigValue
from dvcx.operations.remote_settings import RemoteChange, RemoteInfo
from dvcx.operations.settings import Setting, SettingChange


def value_text(value: ConfigValue | None) -> str:
    """Gives a value as `dvcx config` takes it: `true`, `14`, `reflink,copy`; a table as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return json.dumps(_plain(value), ensure_ascii=False)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(value_text(part) for part in value)
    return str(value)


def render_settings(settings: Sequence[Setting], console: Console, *, show_origin: bool) -> None:
    """Shows settings as `key=value`, each on a line; with `show_origin` where each comes from before it."""
    rows = [(_origin(each), f"{each.key}={value_text(each.value)}") for each in settings]
    if show_origin:
        console.table([(dim(origin), text) for origin, text in rows])
    else:
        for _, text in rows:
            console.line(text)
    if not rows:
        console.say("nothing is set here")


def render_setting_change(change: SettingChange, console: Console) -> None:
    """Tells what was set or removed, and where."""
    what = "removed" if change.value is None else "set"
    value = "" if change.value is None else f" to {value_text(change.value)}"
    console.say(f"{what} {change.key}{value} in {os.path.relpath(change.file)}")
    for note in change.notes:
        console.warn(note)


def render_remotes(remotes: Sequence[RemoteInfo], console: Console) -> None:
    """Shows each remote on a line: its name, its URL, and which is the default."""
    console.table([(bold(each.name), each.url, dim("(default)") if each.default else "") for each in remotes])
    if not remotes:
        console.say("no remote is set up")
        console.next_step("dvcx remote add -d NAME URL")


def render_remote_change(change: RemoteChange, console: Console, done: str) -> None:
    """Tells that something was `done` to the remotes, and what follows from it."""
    files = ", ".join(os.path.relpath(file) for file in change.files)
    console.say(f"{done} in {files}")
    for note in change.notes:
        console.warn(note)
    if change.tracked:
        tracked = [name for name in map(os.path.relpath, change.files) if name.endswith("config.toml")]
        console.next_step(f"git add {' '.join(tracked)} && git commit, so that others get it too")


def _origin(each: Setting) -> str:
    return each.level if not each.where else f"{each.level} {each.where}"


def _plain(value: ConfigValue) -> object:
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(part) for part in value]
    return value
