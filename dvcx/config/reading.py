"""Reading settings one by one, for `dvcx config`: what is in force, where it comes from, without showing secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dvcx.base.errors import UsageError
from dvcx.config.keys import check_known, join_key, split_key
from dvcx.config.schema import Config, ConfigEntry, ConfigOrigin, Level
from dvcx.config.secrets import is_secret, secret_names, without_password
from dvcx.config.settings import REMOTE_SETTINGS, SETTINGS, BadSetting, ConfigValue

_HIDDEN = "***"
_DEFAULT = ConfigOrigin(Level.DEFAULT, "")


def entry_of(config: Config, key: str) -> ConfigEntry | None:
    """Gives the setting in force for `key`, a default too; None when it has no value.

    Raises `UsageError` for a key that dvcx does not have, with the one that was probably meant.
    """
    parts = split_key(key)
    try:
        check_known(parts)
    except BadSetting as problem:
        raise UsageError(problem.problem, problem.hint) from problem
    name = join_key(parts)
    if name in config.entries:
        return config.entries[name]
    if len(parts) > 3:
        return _inside(config.entries.get(join_key(parts[:3])), parts)
    if parts[0] == "remote":
        setting = REMOTE_SETTINGS.get(parts[2]) if parts[1] in config.remotes else None
    else:
        setting = SETTINGS[name]
    if setting is None or setting.default is None:
        return None
    return ConfigEntry(name, setting.default, _DEFAULT)


def _inside(option: ConfigEntry | None, parts: tuple[str, ...]) -> ConfigEntry | None:
    """Gives the part of an option that is a table, such as `remote.store.client_kwargs.region_name`."""
    value = option.value if option is not None else None
    for part in parts[3:]:
        value = value.get(part) if isinstance(value, Mapping) else None
    if option is None or value is None:
        return None
    return ConfigEntry(join_key(parts), value, option.origin, bool(secret_names(join_key(parts[2:]), value)))


def list_entries(config: Config, *, with_defaults: bool = False) -> list[ConfigEntry]:
    """Gives the settings that are set, sorted by key; on request the defaults of all others too."""
    entries = dict(config.entries)
    if with_defaults:
        keys = [*SETTINGS, *(f"remote.{name}.{each}" for name in config.remotes for each in REMOTE_SETTINGS)]
        for key in keys:
            entry = entry_of(config, key)
            if entry is not None:
                entries.setdefault(key, entry)
    return [entries[key] for key in sorted(entries)]


def shown_value(entry: ConfigEntry) -> ConfigValue:
    """Gives the value for people and JSON: passwords, also inside of tables and URLs, become stars."""
    return _hidden(entry.key.rsplit(".", 1)[-1], entry.value) if entry.secret else entry.value


def shown(entry: ConfigEntry) -> ConfigEntry:
    """Gives the entry with the value that may be shown."""
    return replace(entry, value=shown_value(entry))


def _hidden(name: str, value: ConfigValue) -> ConfigValue:
    if isinstance(value, Mapping):
        return {key: _hidden(key, part) for key, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_hidden(name, part) for part in value)
    if is_secret(name, value):
        return _HIDDEN
    return without_password(value) if isinstance(value, str) else value
