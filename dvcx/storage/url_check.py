"""Looking at the URL of a remote before anything is asked of it: is it one that can work here?"""

from __future__ import annotations

import re

from dvcx.base.errors import UsageError
from dvcx.storage.stores.kinds import SCHEMES, kind_of


def check_url(url: str) -> tuple[str, ...]:
    """Gives notes on what a remote at `url` lacks here, such as a library.

    Nothing is asked of the network. Raises `UsageError` for a kind of URL that nobody knows.
    """
    scheme, mark, _ = url.partition("://")
    protocol = scheme.lower()
    mistyped = re.match(r"([a-z0-9]+):/?(?=[^/:\\])", url, re.IGNORECASE)
    if not mark and mistyped and mistyped.group(1).lower() in SCHEMES:
        meant = f"{mistyped.group(1)}://{url[mistyped.end() :]}"
        raise UsageError(f"{url} is no URL", f"did you mean {meant}? A folder of that name: ./{url}")
    if not mark or protocol in ("file", "local"):
        return ()
    kind = kind_of(url)
    if kind is not None:
        notes = []
        if not kind.installed:
            notes.append(f"{protocol}:// remotes need {kind.library}, which is not installed: {kind.install}")
        if kind.read_only:
            notes.append(f"{protocol}:// remotes can only be read: pull and fetch, no push")
        return tuple(notes)
    from fsspec import available_protocols  # 90 ms, only for a URL that is no folder

    if protocol == "memory":
        return ("memory:// keeps nothing when the command ends: it is for trying things out in Python",)
    known = [*SCHEMES, *available_protocols()]
    if protocol not in known:
        from difflib import get_close_matches

        close = get_close_matches(protocol, known, 1, cutoff=0.5)
        raise UsageError(
            f"nothing here knows {scheme}:// URLs",
            f"did you mean {close[0]}://?"
            if close
            else "write a folder as a path, or a URL such as s3://bucket/folder",
        )
    return ()
