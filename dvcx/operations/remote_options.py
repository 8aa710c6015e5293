"""Checking an option of a remote before it is written down: has its kind of store such an option, and such a value?"""

from __future__ import annotations

from contextlib import suppress

from dvcx.base.errors import UsageError
from dvcx.config.keys import split_key
from dvcx.config.schema import Config, RemoteConfig
from dvcx.config.secrets import is_secret
from dvcx.config.settings import REMOTE_SETTINGS, BadSetting, parse_option
from dvcx.storage.stores.kinds import check_remote_options, kind_of
from dvcx.storage.stores.options import unknown_option


def check_option(config: Config, key: str, text: str) -> None:
    """Raises `UsageError`, with what was meant, when `key` is no option of its remote or `text` no value of it.

    Keys of other settings pass, and so do those of remotes that are not there: others check these.
    """
    parts: tuple[str, ...] = ()
    with suppress(UsageError):
        parts = split_key(key)
    if len(parts) < 3 or parts[0] != "remote" or parts[2] in REMOTE_SETTINGS or parts[1] not in config.remotes:
        return
    remote = config.remotes[parts[1]]
    try:
        value: object = parse_option(key, text, is_text=is_secret(parts[-1]))
    except BadSetting:
        return
    for part in reversed(parts[3:]):
        value = {part: value}
    _check_name(remote, parts[2])
    check_remote_options(remote.url, {parts[2]: value})


def unknown_default(config: Config, name: str) -> tuple[str, ...]:
    """Gives a note, with the name that may be meant, when the default remote `name` is not set up; else none."""
    return () if name in config.remotes else (f"there is no remote called {name} yet: {meant_remote(config, name)}",)


def meant_remote(config: Config, name: str) -> str:
    """Gives what to do about a remote that is not set up: take the one that was probably meant, or set it up."""
    from difflib import get_close_matches  # only on the way out

    close = get_close_matches(name, config.remotes, 1)
    return f"did you mean {close[0]}?" if close else f"`dvcx remote add {name} URL` sets one up"


def _check_name(remote: RemoteConfig, name: str) -> None:
    """Raises `UsageError` for a mistyped setting that every remote has, such as `compresion`."""
    kind = kind_of(remote.url)
    options = kind.options if kind is not None else None
    if kind is not None and options is not None:
        known = [*(option.name for option in options), *(each for each in REMOTE_SETTINGS if each != "secrets_for")]
        if name not in known:
            raise unknown_option(name, known, kind.name)
