"""Opening the remotes that the configuration names."""

from __future__ import annotations

import difflib

from dvcx.base.errors import UsageError
from dvcx.config.schema import RemoteConfig
from dvcx.formats.payload import parse_compression
from dvcx.operations.remotes_elsewhere import hint_at_other_revision
from dvcx.repo.record import Repo
from dvcx.storage.bucket import Bucket
from dvcx.storage.open_bucket import open_bucket
from dvcx.storage.remote import Remote, RemoteSettings


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
        close = difflib.get_close_matches(chosen, remotes, 1)
        raise UsageError(
            f"there is no remote called {chosen}",
            f"did you mean {close[0]}?"
            if close
            else hint_at_other_revision(repo, chosen) or "see `dvcx remote list`, or add it with `dvcx remote add`",
        )
    return remotes[chosen]


def open_inner_bucket(repo: Repo, config: RemoteConfig) -> Bucket:
    """Gives the bucket at a remote's URL, as its files lie there. Nothing is asked of it yet."""
    return open_bucket(config.url, repo.root, config.options)


def open_own_bucket(repo: Repo, config: RemoteConfig) -> Bucket:
    """Gives the bucket of a remote, encrypted when the remote is. Nothing is asked of it yet."""
    bucket = open_inner_bucket(repo, config)
    if config.encrypt == "none":
        return bucket
    from dvcx.operations.identities import key_shelf  # only encrypted remotes pay for the library
    from dvcx.storage.encrypted_bucket import EncryptedBucket

    return EncryptedBucket(bucket, key_shelf(repo, config, bucket))


def open_remote(repo: Repo, name: str | None = None, *, jobs: int | None = None) -> Remote:
    """Gives the remote called `name`, or the default one. Nothing is asked of it yet."""
    config = remote_config(repo, name)
    settings = RemoteSettings(compression=parse_compression(config.compression))
    if jobs is not None:
        settings = RemoteSettings(jobs=jobs, compression=settings.compression)
    folder = repo.common_dir / "index" / "remotes" / config.name
    return Remote(open_own_bucket(repo, config), config.name, repo.algorithm, folder, settings)
