"""Checking one setting: whether dvcx has it, whether it takes the value, and whether it may stand in that file."""

from __future__ import annotations

from dataclasses import replace

from dvcx.config.keys import check_known, join_key
from dvcx.config.schema import Level
from dvcx.config.secrets import command_names, secret_names
from dvcx.config.settings import REMOTE_SETTINGS, SETTINGS, BadSetting, ConfigValue, checked_option


def check_entry(parts: tuple[str, ...], value: object, level: Level) -> ConfigValue:
    """Gives the value of a setting if it may stand in a file of that level; raises `BadSetting`."""
    check_known(parts)
    key = join_key(parts)
    if parts[0] != "remote":
        setting = SETTINGS[key]
        if setting.project_only and level is not Level.PROJECT:
            raise BadSetting(key, f"{key} is the same in every clone", "it belongs into .dvcx/config.toml only")
        if setting.personal and level is Level.PROJECT:
            raise BadSetting(
                key,
                f"{key} is about you alone, and everybody who clones the project would get it",
                f"take it out of this file, then `dvcx config --global {key} ...` or `--local`",
                unsafe=True,
            )
        return setting.checked(value)
    option = parts[2]
    if option in REMOTE_SETTINGS:
        checked = replace(REMOTE_SETTINGS[option], key=key).checked(value)
    else:
        checked = checked_option(key, value)
    if level is Level.PROJECT:
        if option == "secrets_for":
            raise BadSetting(
                key, f"{key} is about secrets, which stand in files of your own", "remove it from this file"
            )
        _check_tracked(parts, checked)
    return checked


def _hint_at_local(name: str, secret: str) -> str:
    if secret == "url":
        return f"write the URL without it, and the secret for you alone: `dvcx remote modify --local {name} password -`"
    return f"keep it out of this file, and for you alone: `dvcx remote modify --local {name} {secret} -` asks for it"


def _check_tracked(parts: tuple[str, ...], value: ConfigValue) -> None:
    name = join_key(parts[2:])
    for secret in secret_names(name, value):
        raise BadSetting(
            join_key(parts),
            f"remote.{parts[1]}.{secret} is a secret, and everybody who clones the project would get it",
            _hint_at_local(parts[1], secret),
            unsafe=True,
        )
    for command in command_names(name, value):
        raise BadSetting(
            join_key(parts),
            f"remote.{parts[1]}.{command} could name a program, and a clone must not decide what runs here",
            f"take it out of this file; your own may have it: `dvcx remote modify --local {parts[1]} {command} ...`",
            unsafe=True,
        )
