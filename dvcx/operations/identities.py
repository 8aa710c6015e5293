"""Whose private keys work here: from the configuration, or from the person's own file outside of the repository."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from dvcx.base.errors import DvcxError, Refused
from dvcx.base.files import write_all
from dvcx.config.schema import Config, RemoteConfig
from dvcx.config.secrets import without_password
from dvcx.formats.key_text import MOST_BYTES, Identity, parse_identities, print_private, print_public
from dvcx.repo.record import Repo
from dvcx.storage.bucket import Bucket
from dvcx.storage.key_memory import key_memory
from dvcx.storage.key_shelf import KeyPlace, KeyShelf

IDENTITY_FILE = "identity.key"
"""The file with a person's private keys, beside their own configuration."""
_HEAD = """\
# A private key of dvcx: whoever has it reads what is encrypted for you. Never share or commit it, and keep a copy.
# The public key, for those who are to add you: {public}
"""


def key_shelf(repo: Repo, config: RemoteConfig, bucket: Bucket) -> KeyShelf:
    """Gives the key ring of a remote, as who works here sees it; nothing is read yet."""
    memory = key_memory(repo.common_dir, config.name)
    url = without_password(config.url)
    return KeyShelf(bucket, KeyPlace(config.name, url, lambda: identities_for(repo, config), config.keyring, memory))


def identities_for(repo: Repo, config: RemoteConfig | None) -> Sequence[Identity]:
    """Gives the private keys to use for a remote: its own `identity`, or those in `core.identity_file`, or none.

    Raises `Refused` for a file that others can read or that lies in the project, `UsageError` for one without keys.
    """
    if config is not None and config.identity is not None:
        return parse_identities(config.identity, f"remote.{config.name}.identity")
    path = identity_file(repo.config, repo)
    return () if path is None else identities_in(path)


def identities_in(path: Path) -> Sequence[Identity]:
    """Gives the private keys in a file, none when there is none; raises as `identities_for` does."""
    text = _private_text(path)
    return () if text is None else parse_identities(text, str(path))


def identity_file(config: Config, repo: Repo | None, path: Path | None = None) -> Path | None:
    """Gives where the private keys of who works here are to lie: `path`, or as configured, or the default place.

    None without a home folder. Raises `Refused` for a place in the project, where they could be committed.
    """
    named = path
    if named is None and config.core.identity_file is not None:
        named = Path(config.core.identity_file)
    elif named is None and config.own_folder is not None:
        named = Path(config.own_folder, IDENTITY_FILE)
    if named is None or repo is None:
        return named
    top = repo.git.worktree if repo.git is not None else repo.root
    if Path(os.path.realpath(named)).is_relative_to(top):
        raise Refused(
            f"{named} lies in the repository, where a private key could be committed",
            "keep it in your home folder: `dvcx config --global core.identity_file ~/.config/dvcx/identity.key`",
            [str(named)],
        )
    return named


def make_identity_file(path: Path, identity: Identity) -> None:
    """Writes a new file with a private key that only its owner can read; raises `Refused` when there is a file."""
    text = _HEAD.format(public=print_public(identity.public)) + print_private(identity) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise Refused(
            f"{path} is there already, and what is encrypted for a key can be read with that key only",
            "`dvcx remote keys generate --show` prints its public key; `--output FILE` makes another one",
            [str(path)],
        ) from None
    try:
        write_all(fd, text.encode())
        os.fsync(fd)
    except BaseException:
        path.unlink()
        raise
    finally:
        os.close(fd)


def _private_text(path: Path) -> str | None:
    """Gives the text of a file of private keys, None when there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DvcxError(f"{path} cannot be read: {(error.strerror or '').lower()}", "check its permissions") from error
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
            raise DvcxError(f"{path} is no file of private keys", "`dvcx remote keys generate` makes one")
        if found.st_mode & 0o077:
            raise Refused(f"others can read your private key in {path}", f"`chmod 600 {path}`", [str(path)])
        return file.read(MOST_BYTES).decode("utf-8", "replace")
