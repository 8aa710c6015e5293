"""Opening the remotes that the configuration names."""

from __future__ import annotations

import difflib

from dvcx.base.errors import UsageError
from dvcx.config.aliases import alias_base
from dvcx.config.keys import join_key
from dvcx.config.reading import entry_of
from dvcx.config.schema import RemoteConfig
from dvcx.formats.payload import parse_compression
from dvcx.operations.remotes_elsewhere import hint_at_other_revision
from dvcx.repo.record import Repo
from dvcx.storage.batching import FOLDER, over_network
from dvcx.storage.bucket import Bucket
from dvcx.storage.open_bucket import folder_of, open_bucket
from dvcx.storage.paced_bucket import Pace, PacedBucket
from dvcx.storage.remote import Remote, RemoteSettings

_FOLDER_JOBS = 4
_NETWORK_JOBS = 6
"""A store gives each connection a part of what the line can do; the memory of more than a few is felt."""


def every_remote(repo: Repo) -> list[str]:
    """Gives all remotes, the default one first; raises `UsageError` when there is none."""
    remotes = repo.config.remotes
    first = repo.config.core.remote or next(iter(remotes), None)
    first = remote_config(repo, first).name
    return [first, *(name for name in remotes if name != first)]


def copy_targets(repo: Repo) -> list[str]:
    """Gives the remotes that a push without a name goes to: the default one, then others up to `core.copies`.

    Raises `UsageError` when there are fewer.
    """
    copies = repo.config.core.copies
    names = every_remote(repo) if copies > 1 else [remote_config(repo, None).name]
    if len(names) < copies:
        raise UsageError(
            f"core.copies asks for {copies} copies, but there are only {len(names)} remotes",
            "add one with `dvcx remote add NAME URL`, or push to one with `-r NAME`",
        )
    return names[:copies]


def remote_config(repo: Repo, name: str | None) -> RemoteConfig:
    """Gives the settings of the remote called `name`, or of the default one; raises `UsageError` when there is none."""
    remotes = repo.config.remotes
    chosen = name or repo.config.core.remote
    if chosen is None and len(remotes) == 1:
        chosen = next(iter(remotes))
    if chosen is None:
        if not remotes:
            hint = hint_at_other_revision(repo)
            where = "in the revision that is checked out" if hint else ""
            raise UsageError(
                f"no remote is set up {where}".rstrip(), hint or "add one with `dvcx remote add -d NAME URL`"
            )
        raise UsageError(
            f"which remote? There are {', '.join(sorted(remotes))}",
            "name it with `-r NAME`, or choose a default with `dvcx remote default NAME`",
        )
    if chosen not in remotes:
        _check_base(repo, chosen)
        close = difflib.get_close_matches(chosen, remotes, 1)
        raise UsageError(
            f"there is no remote called {chosen}",
            f"did you mean {close[0]}?"
            if close
            else hint_at_other_revision(repo, chosen) or "see `dvcx remote list`, or add it with `dvcx remote add`",
        )
    return remotes[chosen]


def _check_base(repo: Repo, name: str) -> None:
    """Raises `UsageError` when the remote is there but stands on another one that is not."""
    entry = entry_of(repo.config, f"{join_key(('remote', name))}.url")
    base = alias_base(str(entry.value)) if entry is not None else None
    if entry is not None and base is not None and base not in repo.config.remotes:
        raise UsageError(
            f"the remote {name} is at {entry.value}, and there is no remote {base} here",
            f"`dvcx remote add --local {base} URL`, with the address that you reach it by",
        )


def open_inner_bucket(repo: Repo, config: RemoteConfig) -> Bucket:
    """Gives the bucket at a remote's URL, as its files lie there. Nothing is asked of it yet."""
    return open_bucket(config.url, repo.root, config.options, config.name)


def open_own_bucket(repo: Repo, config: RemoteConfig, rate: float | None = None) -> Bucket:
    """Gives the bucket of a remote, encrypted when the remote is; `rate` is the most bytes a second.

    Nothing is asked of it yet.
    """
    bucket = open_inner_bucket(repo, config)
    if rate is not None:
        bucket = PacedBucket(bucket, Pace(rate))
    if config.encrypt == "none":
        return bucket
    from dvcx.operations.identities import key_shelf  # only encrypted remotes pay for the library
    from dvcx.storage.encrypted_bucket import EncryptedBucket

    return EncryptedBucket(bucket, key_shelf(repo, config, bucket))


def open_remote(repo: Repo, name: str | None = None, *, jobs: int | None = None, rate: float | None = None) -> Remote:
    """Gives the remote called `name`, or the default one. Nothing is asked of it yet.

    `jobs` is the number of requests at a time, `rate` the most bytes a second.
    """
    config = remote_config(repo, name)
    is_folder = folder_of(config.url, repo.root) is not None
    jobs = jobs or config.jobs or (_FOLDER_JOBS if is_folder else _NETWORK_JOBS)
    settings = RemoteSettings(
        jobs=jobs,
        compression=parse_compression(config.compression),
        batching=FOLDER if is_folder else over_network(jobs),
    )
    bucket = open_own_bucket(repo, config, rate)
    return Remote(bucket, config.name, repo.algorithm, repo.common_dir / "index" / "remotes" / config.name, settings)
