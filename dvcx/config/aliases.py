"""Remotes that stand on another one: `url = "remote://store/folder"` is a place below the remote `store`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dvcx.config.schema import RemoteConfig
from dvcx.config.secrets import destination, secret_names
from dvcx.config.settings import REMOTE_NAME, ConfigValue

_ALIAS = re.compile(rf"remote://({REMOTE_NAME.pattern})(?:/(.*))?", re.S)


def alias_base(url: str) -> str | None:
    """Gives the name of the remote that a URL stands on, or None when it is no such URL."""
    found = _ALIAS.fullmatch(url)
    return found.group(1) if found else None


def build_order(urls: Mapping[str, str], warnings: list[str]) -> list[str]:
    """Gives the names of remotes, each after the one that it stands on; those that stand on nothing are left out.

    Why they are is added to `warnings`.
    """
    order: dict[str, None] = {}

    def settle(name: str, above: tuple[str, ...]) -> bool:
        base = alias_base(urls[name])
        if name in order or (base is None and not urls[name].startswith("remote://")):
            order[name] = None
            return True
        if base is None or base not in urls:
            missing = f"there is no remote {base}" if base else "it names no remote (remote://NAME/FOLDER)"
            warnings.append(f"the remote {above[0] if above else name} is not used: {urls[name]} cannot be, {missing}")
            return False
        if base == name or base in above:
            warnings.append(f"the remote {name} is not used: it stands on itself ({urls[name]})")
            return False
        if settle(base, (*above, name)):
            order[name] = None
            return True
        return False

    for name in urls:
        settle(name, ())
    return list(order)


def placed_on(
    base: RemoteConfig, url: str, options: Mapping[str, ConfigValue]
) -> tuple[str, dict[str, ConfigValue], list[str]]:
    """Gives the real URL and the options of a remote at `url`, which stands on `base`, with options of its own.

    Also gives the secrets of `base` that it does not get, because its own options lead to another address.
    """
    found = _ALIAS.fullmatch(url)
    assert found is not None
    place, mark, query = base.url.partition("?")
    folder = (found.group(2) or "").strip("/")
    joined = (f"{place.rstrip('/')}/{folder}" if folder else place) + mark + query
    merged = {**base.options, **options}
    if destination(joined, merged) == destination(base.url, base.options):
        return joined, merged, []
    kept_back = [name for name, value in base.options.items() if name not in options and secret_names(name, value)]
    return joined, {name: value for name, value in merged.items() if name not in kept_back}, kept_back
