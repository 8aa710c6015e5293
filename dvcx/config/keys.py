"""Dotted keys such as `remote.store.url`: taking them apart, and finding the one that was meant."""

from __future__ import annotations

import json
import re

from dvcx.base.errors import UsageError
from dvcx.config.settings import REMOTE_NAME, REMOTE_SETTINGS, SECTIONS, SETTINGS, BadSetting

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST = 1000


def split_key(text: str) -> tuple[str, ...]:
    """Gives the parts of a dotted key; parts in quotes may hold dots. Raises `UsageError`."""
    if len(text) <= _LONGEST and all(_BARE.fullmatch(part) for part in text.split(".")):
        return tuple(text.split("."))
    found = (
        re.fullmatch(r"""(?:(?:[A-Za-z0-9_-]+|"[^"\\\n]*")(?:\.(?!$)|$))+""", text) if len(text) <= _LONGEST else None
    )
    if found is None:
        raise UsageError(
            f"{text[:80]!r} is not a key of the configuration", "keys look like core.remote or remote.NAME.url"
        )
    return tuple(part.strip('"') for part in re.findall(r'[A-Za-z0-9_-]+|"[^"]*"', text))


def join_key(parts: tuple[str, ...]) -> str:
    """Gives the dotted key of `parts`, with quotes around those that need them."""
    return ".".join(part if _BARE.fullmatch(part) else json.dumps(part, ensure_ascii=False) for part in parts)


def check_known(parts: tuple[str, ...]) -> None:
    """Raises `BadSetting` for a key that dvcx does not have, with the one that was probably meant."""
    key = join_key(parts)
    if parts[0] == "remote":
        if len(parts) < 3:
            raise BadSetting(key, f"{key} is no setting", "settings of remotes look like remote.NAME.url")
        if not REMOTE_NAME.fullmatch(parts[1]):
            raise BadSetting(
                key,
                f"a remote cannot be called {parts[1][:80]!r}",
                "names are made of letters, digits, `-` and `_`, and begin with a letter or digit",
            )
        if len(parts) > 3 and parts[2] in REMOTE_SETTINGS:
            raise BadSetting(key, f"{key} is no setting", f"{join_key(parts[:3])} has no parts")
    elif key not in SETTINGS:
        raise BadSetting(key, f"there is no setting {key}", meant(key) or f"the settings are {', '.join(SETTINGS)}")


def meant(key: str) -> str | None:
    """Gives "did you mean ...?" for a key that is nearly one of dvcx's, or None."""
    from difflib import get_close_matches  # only on the way out

    close = get_close_matches(key, SETTINGS, n=1, cutoff=0.7)
    if not close and "." in key:
        last = key.rsplit(".", 1)[-1]
        close = [known for known in SETTINGS if known.rsplit(".", 1)[-1] == last]
    elif not close:
        close = [known for known in SETTINGS if known.rsplit(".", 1)[-1] == key]
    return f"did you mean {close[0]}?" if close else None


def meant_section(name: str) -> str | None:
    """Gives "did you mean ...?" for a section name that is nearly one of dvcx's, or None."""
    from difflib import get_close_matches

    close = get_close_matches(name, SECTIONS, n=1, cutoff=0.6)
    return f"did you mean [{close[0]}]?" if close else None


def meant_remote_setting(name: str) -> str | None:
    """Gives the setting of every remote that `name` is nearly, or None: options of fsspec can have any name."""
    from difflib import get_close_matches

    close = get_close_matches(name, REMOTE_SETTINGS, n=1, cutoff=0.82)
    return close[0] if close else None
