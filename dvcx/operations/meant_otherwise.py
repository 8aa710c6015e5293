"""What was probably meant by a word that stands where a path should and is none: a remote, or a revision of Git."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dvcx.git.revisions import resolve_or_none
from dvcx.operations.targets import NotTracked
from dvcx.repo.record import Repo


@contextmanager
def explaining(repo: Repo, revision_hint: str) -> Iterator[None]:
    """Gives a context from which `NotTracked` comes with a hint at what the path is instead.

    `revision_hint` says what to type for a revision, which stands for `{}` in it.
    """
    try:
        yield
    except NotTracked as error:
        if error.path in repo.config.remotes:
            error.hint = f"{error.path} is a remote: `-r {error.path}` names one, where a command takes it"
        elif repo.git is not None and error.path and resolve_or_none(repo.git, error.path) is not None:
            error.hint = f"{error.path} is a revision of Git: {revision_hint.replace('{}', error.path)}"
        raise
