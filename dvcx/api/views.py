"""Finding the view that a call means; those of commits, which cannot change, are held for the next call."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from pathlib import Path

from dvcx.git.mirrors import is_git_url
from dvcx.operations.view import View, ViewOptions
from dvcx.repo.foreign import Foreign, open_foreign, own_project
from dvcx.repo.open import open_repo_if_any

_MOST = 8
_Key = tuple[str, str, str, ViewOptions]
_lock = threading.Lock()
_views: OrderedDict[_Key, View] = OrderedDict()


def open_view(
    repo: str | os.PathLike[str] | None = None,
    rev: str | None = None,
    options: ViewOptions | None = None,
    inside: str = "",
) -> View:
    """Gives the view of the project `repo` at the revision `rev`.

    `repo` is a folder in a project (None: the current one), or the address of a Git repository; `inside` is a path
    there. Raises `UsageError` when there is no project, `NoSuchRevision`, `RemoteError` when it cannot be reached.
    """
    options = options or ViewOptions()
    source = open_source(repo, rev, inside)
    if source.commit is None:
        return View(source, options)
    key = (source.url, str(source.repo.root) + source.repo.prefix, source.commit, options)
    with _lock:
        view = _views.get(key)
        if view is not None:
            _views.move_to_end(key)
            return view
    view = View(source, options)
    with _lock:
        _views[key] = view
        while len(_views) > _MOST:
            _views.popitem(last=False)
    return view


def open_source(repo: str | os.PathLike[str] | None, rev: str | None, inside: str = "") -> Foreign:
    """Gives the project that `repo` names, a folder in one or an address, at `rev`; raises as `open_view`."""
    here = Path.cwd()
    text = os.fspath(repo) if repo is not None else "."
    if not (is_git_url(text) and not (here / text).exists()):
        found = open_repo_if_any(here / text, os.environ) if (here / text).is_dir() else None
        if found is not None:
            return own_project(found, rev, None if repo is None else text)
    return open_foreign(text, rev, here, os.environ, inside)
