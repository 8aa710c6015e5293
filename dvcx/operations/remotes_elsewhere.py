"""A remote that another revision's configuration has: for the hint when the one that is checked out has none."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from dvcx.base.errors import DvcxError
from dvcx.config.files import parse_toml
from dvcx.config.secrets import has_password
from dvcx.git.objects import ObjectReader
from dvcx.git.revisions import branches_and_tags
from dvcx.repo.open import CONFIG_FILE, PROJECT_FOLDER
from dvcx.repo.record import Repo

_MOST_REVISIONS = 200
_USUAL = ("HEAD", "origin/HEAD", "origin/main", "origin/master", "main", "master")


def hint_at_other_revision(repo: Repo, name: str | None = None) -> str | None:
    """Gives how to take over the remote `name`, or a default one, from a branch or tag that has it; else None.

    Never raises `DvcxError`: a hint is a courtesy.
    """
    if repo.git is None:
        return None
    prefix = f"{repo.prefix}/" if repo.prefix else ""
    file = f"{prefix}{PROJECT_FOLDER}/{CONFIG_FILE}"
    try:
        with ObjectReader(repo.git) as reader:
            for revision in _revisions(repo):
                text = reader.read(f"{revision}:{file}")
                found = _remote_in(text, name) if text is not None else None
                if found is not None:
                    words = ["dvcx", "remote", "add", "--local", "-d", *found]
                    return (
                        f"the configuration of {revision} has one; take it over for this clone: `{shlex.join(words)}`"
                    )
    except DvcxError:
        pass
    return None


def _revisions(repo: Repo) -> Iterator[str]:
    """Gives branches and tags by name, those that most people work from first."""
    assert repo.git is not None
    names = branches_and_tags(repo.git)
    first = [name for name in _USUAL if name in names]
    yield from dict.fromkeys([*first, *reversed(names[-_MOST_REVISIONS:])])


def _remote_in(text: bytes, name: str | None) -> tuple[str, str] | None:
    """Gives name and URL of the remote called `name`, or of the default or only one, in a configuration text."""
    tables = parse_toml(text.decode("utf-8", "replace"), Path(CONFIG_FILE))
    remotes, core = tables.get("remote"), tables.get("core")
    if not isinstance(remotes, Mapping):
        return None
    chosen = name or (core.get("remote") if isinstance(core, Mapping) else None) or next(iter(remotes), None)
    settings = remotes.get(chosen)
    url = settings.get("url") if isinstance(settings, Mapping) else None
    if not isinstance(chosen, str) or not isinstance(url, str) or has_password(url):
        return None
    return None if chosen.startswith("-") or url.startswith("-") else (chosen, url)
