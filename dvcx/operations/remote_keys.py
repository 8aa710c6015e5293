"""`dvcx remote keys ...`: who can read an encrypted remote, and with which data keys it is written."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import DamagedData, DvcxError, Refused, UsageError, shown
from dvcx.base.progress import SILENT, Progress
from dvcx.base.sodium import new_key
from dvcx.config.edit import set_values
from dvcx.config.keys import join_key
from dvcx.config.reading import entry_of
from dvcx.config.schema import Config, Level, RemoteConfig
from dvcx.formats.key_text import Identity, parse_public, print_public
from dvcx.formats.keyring import PERSON, KeyRing, start_ring, with_member, with_new_key, without_member
from dvcx.formats.remote_json import DESCRIPTION_NAME
from dvcx.operations.identities import identities_for, identities_in, identity_file, key_shelf, make_identity_file
from dvcx.operations.remotes import open_inner_bucket, remote_config
from dvcx.operations.settings import Settings
from dvcx.repo.record import Repo
from dvcx.storage.bucket import Bucket, NotThere
from dvcx.storage.encrypted_bucket import EncryptedBucket
from dvcx.storage.key_shelf import KeyShelf
from dvcx.storage.reencrypt import Reencryption, reencrypt, under_older_keys


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who can read the remote: a name, a public key, and whether that is who works here."""

    name: str
    public_key: str
    you: bool


@dataclass(frozen=True, slots=True)
class KeysInfo:
    """The key ring of a remote: its members, how many data keys there were, how many changes; the hash of the newest.

    `older` counts the files that still lie under an older data key, `older_size` their bytes; None when no key here
    opens the remote.
    """

    remote: str
    members: tuple[Member, ...]
    data_keys: int
    changes: int
    keyring: str
    older: int | None
    older_size: int | None


@dataclass(frozen=True, slots=True)
class KeysChange:
    """What a change of the keys did: `started` when it made the ring. `files` are the configuration files written."""

    remote: str
    person: str
    started: bool
    members: tuple[Member, ...]
    data_keys: int
    files: tuple[str, ...]
    tracked: bool


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did or, with `dry_run`, would do: files, and bytes of their contents.

    `new_key`: it made a new data key, and did not only go on with what was begun. `damaged` are files that are not what
    was written; they stayed under their old key.
    """

    remote: str
    new_key: bool
    files: int
    size: int
    damaged: tuple[str, ...]
    dry_run: bool

    def problem(self) -> DvcxError | None:
        """Gives the error of a rotation that left files behind, or None."""
        if not self.damaged:
            return None
        return DamagedData(
            f"{len(self.damaged)} files are damaged and stay under their old key: {shown(self.damaged, 3)}",
            f"`dvcx fsck --remote {self.remote} --repair`, then rotate again",
        )


@dataclass(frozen=True, slots=True)
class PersonalKey:
    """A person's public key, and the file with the private one; `made` when it is new."""

    public_key: str
    file: str
    made: bool


class _Opened:
    """A remote whose keys are looked at or changed."""

    def __init__(self, repo: Repo, name: str | None) -> None:
        self.config: RemoteConfig = remote_config(repo, name)
        self.bucket: Bucket = open_inner_bucket(repo, self.config)
        self.shelf: KeyShelf = key_shelf(repo, self.config, self.bucket)
        self.mine: Sequence[Identity] = identities_for(repo, self.config)

    def ring(self) -> KeyRing:
        """Gives the ring; raises `UsageError` when the remote has none."""
        ring = self.shelf.load()
        if ring is None:
            name = self.config.name
            raise UsageError(
                f'remote "{name}" has no key ring', f"`dvcx remote keys add {name} YOU` starts one with your own key"
            )
        return ring

    def member(self, ring: KeyRing) -> tuple[str, Identity]:
        """Gives the name and key of who works here; raises `NoKey` for somebody who is no member."""
        for identity in self.mine:
            for person, key in ring.members.items():
                if key == identity.public:
                    return person, identity
        self.shelf.secrets(ring)
        raise AssertionError("only members have secrets")


def generate_key(config: Config, repo: Repo | None, output: Path | None = None, *, show: bool) -> PersonalKey:
    """Makes a private key in a new file: `output`, or that of the configuration. With `show` only reads it.

    Raises `Refused` when there is a key already or the file would lie in the repository, `UsageError` when there is
    nothing to show.
    """
    path = identity_file(config, repo, output)
    if path is None:
        raise DvcxError("there is no home folder to keep a private key in: HOME is not set", "set HOME, or `--output`")
    if not show:
        identity = Identity(new_key())
        make_identity_file(path, identity)
        return PersonalKey(print_public(identity.public), str(path), True)
    found = identities_in(path)
    if not found:
        raise UsageError(f"there is no private key in {path}", "`dvcx remote keys generate` makes one")
    return PersonalKey(print_public(found[0].public), str(path), False)


def list_keys(repo: Repo, name: str | None) -> KeysInfo:
    """Gives who can read a remote. Raises `UsageError` when it has no key ring."""
    opened = _Opened(repo, name)
    ring = opened.ring()
    older: int | None = None
    size: int | None = None
    if ring.secrets(opened.mine) is not None:
        files = under_older_keys(EncryptedBucket(opened.bucket, opened.shelf)) if ring.last.generations > 1 else []
        older, size = len(files), sum(file.size for file in files)
    return KeysInfo(
        opened.config.name,
        _members(ring, opened.mine),
        ring.last.generations,
        ring.number,
        ring.log[-1].hash,
        older,
        size,
    )


def add_key(repo: Repo, settings: Settings, name: str | None, person: str, public: str | None) -> KeysChange:
    """Lets a person read the remote; without `public` it is who works here. On a new remote that starts the key ring.

    Raises `UsageError` for names and keys that cannot be or are in use, `Refused` when the remote holds what is not
    encrypted, `NoKey` when who works here is no member.
    """
    _check_person(person)
    opened = _Opened(repo, name)
    if public is None and not opened.mine:
        raise UsageError("you have no private key", "`dvcx remote keys generate` makes one")
    key = parse_public(public) if public is not None else opened.mine[0].public
    ring = opened.shelf.load()
    if ring is not None and ring.members.get(person) == key:
        return _done(repo, settings, opened, ring, person)  # only the configuration may have been missing
    if ring is None:
        _check_can_start(opened, key)
        opened.shelf.forget()
        made = start_ring(opened.mine[0], person, time.time(), new_key())
    else:
        _check_new(ring, person, key)
        made = with_member(ring, opened.member(ring)[1], person, key, time.time())
    opened.shelf.store(made)
    return _done(repo, settings, opened, made, person, started=ring is None)


def remove_key(repo: Repo, settings: Settings, name: str | None, person: str) -> KeysChange:
    """Takes a person out of the key ring; what is written from now on has a new data key, which they do not get.

    Raises `UsageError` for somebody who is no member, `Refused` for the last one.
    """
    opened = _Opened(repo, name)
    ring = opened.ring()
    if person not in ring.members:
        raise UsageError(f"{person} has no key to {opened.config.name}", f"it has {', '.join(sorted(ring.members))}")
    _, identity = opened.member(ring)
    if ring.members[person] == identity.public:
        raise Refused(
            "that is your own key: nobody removes themselves, so that a remote never loses its last reader",
            "have another member remove you",
        )
    made = without_member(ring, identity, person, time.time(), new_key())
    opened.shelf.store(made)
    _move_description(opened)
    return _done(repo, settings, opened, made, person)


def rotate_keys(
    repo: Repo, settings: Settings, name: str | None, *, jobs: int, dry_run: bool, progress: Progress = SILENT
) -> Rotation:
    """Encrypts everything on the remote under a new data key, or under the newest when a rotation is unfinished.

    So it can be run again until nothing is left. Raises `NoKey` when who works here is no member.
    """
    opened = _Opened(repo, name)
    ring = opened.ring()
    person, identity = opened.member(ring)
    bucket = EncryptedBucket(opened.bucket, opened.shelf)
    files = under_older_keys(bucket)
    is_new = not files
    if is_new:
        files = list(bucket.sealed_files())
    if dry_run:
        return Rotation(opened.config.name, is_new, len(files), sum(file.size for file in files), (), True)
    if is_new:
        ring = with_new_key(ring, identity, person, time.time(), new_key())
        opened.shelf.store(ring)
        bucket = EncryptedBucket(opened.bucket, opened.shelf)
    _done(repo, settings, opened, ring, person)
    done: Reencryption = reencrypt(bucket, files, jobs, progress)
    return Rotation(opened.config.name, is_new, done.files, done.size, done.damaged, False)


def _check_person(person: str) -> None:
    if not PERSON.fullmatch(person):
        raise UsageError(
            f"nobody can be called {person[:80]!r} here",
            "use letters, digits and @ . _ + -, as in ada or ada@example.org",
        )


def _check_can_start(opened: _Opened, key: bytes) -> None:
    if not opened.mine or opened.mine[0].public != key:
        raise UsageError(
            f'remote "{opened.config.name}" has no key ring yet, and the first key has to be your own',
            f"`dvcx remote keys add {opened.config.name} YOU`, then add the others",
        )


def _check_new(ring: KeyRing, person: str, key: bytes) -> None:
    if person in ring.members:
        raise UsageError(f"{person} has another key already", "remove it first, or choose another name")
    holder = next((name for name, held in ring.members.items() if held == key), None)
    if holder is not None:
        raise UsageError(f"{holder} has that key already", "one key, one name")


def _move_description(opened: _Opened) -> None:
    """Writes what every command reads first under the new key, so that none has to look for it under two."""
    bucket = EncryptedBucket(opened.bucket, opened.shelf)
    try:
        bucket.write(DESCRIPTION_NAME, [bucket.read(DESCRIPTION_NAME)])
    except NotThere:
        return  # nothing was pushed yet


def _done(
    repo: Repo, settings: Settings, opened: _Opened, ring: KeyRing, person: str, *, started: bool = False
) -> KeysChange:
    """Notes the ring in the configuration that has the remote, and gives what was done."""
    section = join_key(("remote", opened.config.name))
    entry = entry_of(repo.config, f"{section}.url")
    level = entry.origin.level if entry is not None else Level.PROJECT
    file = settings.file(Level.PROJECT if level is Level.ENVIRONMENT else level)
    wanted = {f"{section}.encrypt": "sodium", f"{section}.keyring": ring.log[-1].hash}
    files: tuple[str, ...] = ()
    if (opened.config.encrypt, opened.config.keyring) != tuple(wanted.values()):
        with settings.editing(file):
            set_values(file, wanted, repo.config)
        files = (str(file.path),)
    return KeysChange(
        opened.config.name,
        person,
        started,
        _members(ring, opened.mine),
        ring.last.generations,
        files,
        bool(files) and repo.git is not None and file.level is Level.PROJECT,
    )


def _members(ring: KeyRing, mine: Sequence[Identity]) -> tuple[Member, ...]:
    own = {identity.public for identity in mine}
    return tuple(Member(name, print_public(key), key in own) for name, key in sorted(ring.members.items()))
