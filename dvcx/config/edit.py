"""Changing a configuration file by key; comments and order stay (tomlkit). Each change is checked, then written whole.

Two changes at the same moment could lose one of them: who calls holds the lock of the project.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dvcx.base.errors import DvcxError, Refused, UsageError
from dvcx.base.files import write_atomically
from dvcx.base.scratch import scratch_folder
from dvcx.config.check import check_entry
from dvcx.config.files import ConfigFile, parse_toml, read_text
from dvcx.config.keys import check_known, join_key, meant, split_key
from dvcx.config.schema import Config, Level
from dvcx.config.secrets import destination, has_password, is_secret
from dvcx.config.settings import REMOTE_NAME, REMOTE_SETTINGS, SECTIONS, SETTINGS, BadSetting, ConfigValue, parse_option

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

Tables = dict[str, Any]


def set_value(file: ConfigFile, key: str, text: str, config: Config | None = None) -> ConfigValue:
    """Sets `key` to what `text` means, and gives that value; see `set_values`."""
    return set_values(file, {key: text}, config)[key]


def set_values(file: ConfigFile, texts: Mapping[str, str], config: Config | None = None) -> Mapping[str, ConfigValue]:
    """Sets each key to what its text means, all in one write, and gives the values by key.

    With the `config` in force, secrets are tied to the present address of their remote (`secrets_for`). Raises
    `UsageError` for keys and values that cannot be, `Refused` for secrets and commands in the tracked file,
    `DamagedData` when the file cannot be parsed.
    """
    values = {split_key(key): _parsed(key, text, file.level) for key, text in texts.items()}
    given = {key: values[split_key(key)] for key in texts}
    values |= _tied(values, file.level, config)

    def change(tables: Any) -> None:
        for parts, value in values.items():
            _put(tables, parts, value)

    _edit(file, change)
    return given


def unset_value(file: ConfigFile, key: str) -> None:
    """Removes a key from the file, and the section with its last key. Raises `UsageError` when it is not there."""
    parts = split_key(key)
    _check_there(file, parts)
    _edit(file, lambda tables: _remove(tables, parts))


def remove_section(file: ConfigFile, section: str) -> None:
    """Removes a section such as `remote.store` with all it has. Raises `UsageError` when it is not there."""
    unset_value(file, section)


def has_key(file: ConfigFile, key: str) -> bool:
    """Tells whether the file has that key or section."""
    return _find(parse_toml(read_text(file.path), file.path), split_key(key)) is not None


def rename_section(file: ConfigFile, old: str, new: str) -> None:
    """Renames a remote's section, as in `rename_section(file, "remote.a", "remote.b")`.

    Raises `UsageError` when the old one is not there or the new one is, or when the new name cannot be.
    """
    old_parts, new_parts = split_key(old), split_key(new)
    if len(old_parts) != 2 or len(new_parts) != 2 or {old_parts[0], new_parts[0]} != {"remote"}:
        raise UsageError(f"{old} cannot become {new}", "only remotes have names: remote.OLD, remote.NEW")
    if not REMOTE_NAME.fullmatch(new_parts[1]):
        raise UsageError(
            f"a remote cannot be called {new_parts[1][:80]!r}",
            "use letters, digits, `-` and `_`, a letter or digit first",
        )
    _check_there(file, old_parts)
    if has_key(file, new):
        raise UsageError(
            f"{file.path} has a section [{new}] already", f"remove it first: `dvcx remote remove {new_parts[1]}`"
        )
    text = read_text(file.path)
    expected = parse_toml(text, file.path)
    remotes = expected["remote"]
    assert isinstance(remotes, dict)
    expected["remote"] = {new_parts[1] if name == old_parts[1] else name: table for name, table in remotes.items()}
    name = re.escape(old_parts[1])
    headers = re.compile(
        rf"""^(\s*\[\s*(?:remote|"remote"|'remote')\s*\.\s*)(?:{name}|"{name}"|'{name}')(?=\s*[.\]])""", re.M
    )
    _write(file, headers.sub(lambda found: found.group(1) + new_parts[1], text), expected)


def _parsed(key: str, text: str, level: Level) -> ConfigValue:
    parts = split_key(key)
    try:
        if parts[0] not in SECTIONS or (parts[0] != "remote" and join_key(parts) not in SETTINGS):
            raise BadSetting(key, f"there is no setting {key}", meant(key) or f"the settings are {', '.join(SETTINGS)}")
        check_known(parts)
        if parts[0] != "remote":
            value = SETTINGS[key].parsed(text)
        elif parts[2] in REMOTE_SETTINGS:
            value = REMOTE_SETTINGS[parts[2]].parsed(text)
        else:
            value = parse_option(key, text, is_text=is_secret(parts[-1]))
        _check_place(parts, value, level)
        return check_entry(parts, _plain(value), level)
    except BadSetting as problem:
        raise (Refused if problem.unsafe else UsageError)(problem.problem, problem.hint) from problem


def _check_place(parts: tuple[str, ...], value: ConfigValue, level: Level) -> None:
    if parts[0] == "remote" and parts[2] == "url" and re.match(r"[\w.-]+@[\w.-]+:(?!//)", str(value)):
        user_at_host, _, path = str(value).partition(":")
        raise BadSetting(
            join_key(parts), f"{value} is no URL", f"for SSH write ssh://{user_at_host}/{path.lstrip('/')}"
        )
    is_folder = parts in (("cache", "dir"), ("core", "identity_file")) or (
        parts[0] == "remote" and parts[2] == "url" and "://" not in str(value)
    )
    if is_folder and level is Level.GLOBAL and not str(value).startswith(("/", "~/")):
        raise BadSetting(
            join_key(parts), f"{value} is a relative path", "for all projects, write the whole path or begin with ~/"
        )


def _tied(
    values: Mapping[tuple[str, ...], ConfigValue], level: Level, config: Config | None
) -> dict[tuple[str, ...], str]:
    """Gives the `secrets_for` of each remote that gets a secret."""
    tied = {}
    for parts, value in values.items():
        if parts[0] == "remote" and config is not None and level in (Level.LOCAL, Level.GLOBAL):
            remote = config.remotes.get(parts[1])
            if remote is not None and (is_secret(parts[-1], value) or (isinstance(value, str) and has_password(value))):
                own = {each[2]: new for each, new in values.items() if each[:2] == parts[:2] and len(each) == 3}
                options = {**remote.options, **{name: new for name, new in own.items() if name not in REMOTE_SETTINGS}}
                tied[*parts[:2], "secrets_for"] = destination(str(own.get("url", remote.url)), options)
    return tied


def _check_there(file: ConfigFile, parts: tuple[str, ...]) -> None:
    from difflib import get_close_matches

    tables = parse_toml(read_text(file.path), file.path)
    if _find(tables, parts) is not None:
        return
    key = join_key(parts)
    close = get_close_matches(key, _all_keys(tables), n=1, cutoff=0.6)
    hint = f"did you mean {close[0]}?" if close else "`dvcx config --list --show-origin` shows what is set where"
    raise UsageError(f"{key} is not set in {file.path}", hint)


def _all_keys(tables: Mapping[str, object], above: tuple[str, ...] = ()) -> list[str]:
    keys = []
    for name, value in tables.items():
        keys.append(join_key((*above, name)))
        if isinstance(value, dict):
            keys += _all_keys(value, (*above, name))
    return keys


def _find(tables: Mapping[str, object], parts: Sequence[str]) -> object | None:
    node: object = tables
    for part in parts:
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    return node


def _edit(file: ConfigFile, change: Callable[[Any], None]) -> None:
    """Makes the `change` to the document, and to plain dictionaries, which tell what the new text has to mean."""
    import tomlkit  # 40 ms, only for commands that edit

    text = read_text(file.path)
    expected = parse_toml(text, file.path)
    change(expected)
    document: TOMLDocument = tomlkit.parse(text)
    change(document)
    _write(file, tomlkit.dumps(document), expected)


def _write(file: ConfigFile, text: str, expected: Tables) -> None:
    # tomlkit has had errors with tables that are scattered over a file; what it wrote is read back before it counts.
    try:
        matches = parse_toml(text, file.path) == expected
    except DvcxError:
        matches = False
    if not matches:
        raise DvcxError(f"{file.path} is written in a way that cannot be edited safely", "edit it by hand")
    path = Path(os.path.realpath(file.path)) if file.level is Level.GLOBAL else file.path  # a link to one's dotfiles
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Git ignores the folder `tmp` of a project: a kill must not leave a file that looks like one to commit.
        tmp = scratch_folder(path.parent / "tmp") if file.level is not Level.GLOBAL else nullcontext()
        with tmp as scratch:
            write_atomically(path, text.encode(), mode=_mode(path, file.level), scratch=scratch)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DvcxError(f"{path} cannot be written: {error.strerror}", "check the folder's permissions") from error


def _mode(path: Path, level: Level) -> int:
    private = 0o644 if level is Level.PROJECT else 0o600  # passwords may come to stand in the others
    try:
        return stat.S_IMODE(path.stat().st_mode) & (0o777 if level is Level.PROJECT else 0o600)
    except OSError:
        return private


def _put(tables: Any, parts: tuple[str, ...], value: ConfigValue) -> None:
    node = tables
    for depth, part in enumerate(parts[:-1], start=1):
        if part not in node:
            node[part] = _new_table(node, is_outer=parts[0] == "remote" and depth == 1)
        node = node[part]
        if not isinstance(node, dict):
            raise UsageError(f"{join_key(parts[:depth])} is not a section in this file", "edit the file by hand")
    node[parts[-1]] = _plain(value)


def _new_table(beside: Any, *, is_outer: bool) -> Any:
    if type(beside) is dict:
        return {}
    import tomlkit

    return tomlkit.table(is_super_table=is_outer)


def _remove(tables: Any, parts: tuple[str, ...]) -> None:
    node = tables
    above = []
    for part in parts[:-1]:
        above.append((node, part))
        node = node[part]
    del node[parts[-1]]
    for holder, part in reversed(above):
        if len(holder[part]):
            break
        del holder[part]


def _plain(value: ConfigValue) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, tuple | list) else value
