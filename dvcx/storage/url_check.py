"""Looking at the URL of a remote before anything is asked of it: is it one that can work here?"""

from __future__ import annotations

import importlib.util

from dvcx.base.errors import UsageError

_EXTRAS = {"s3": ("s3fs", "s3"), "s3a": ("s3fs", "s3"), "gs": ("gcsfs", "gcs"), "gcs": ("gcsfs", "gcs")}


def check_url(url: str) -> tuple[str, ...]:
    """Gives notes on what a remote at `url` lacks here, such as a library.

    Nothing is asked of the network. Raises `UsageError` for a kind of URL that nobody knows.
    """
    scheme, mark, _ = url.partition("://")
    protocol = scheme.lower()
    if not mark or protocol in ("file", "local"):
        return ()
    if protocol in _EXTRAS:
        library, extra = _EXTRAS[protocol]
        if importlib.util.find_spec(library) is None:
            return (f"{protocol}:// remotes need a library that is not installed: pip install 'git-dvcx[{extra}]'",)
        return ()
    from fsspec import available_protocols  # 90 ms, only for a URL that is no folder

    known = available_protocols()
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
