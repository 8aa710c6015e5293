"""The key ring of an encrypted remote: reading it from the bucket and trusting it, and writing the next one.

keys/00000001.json   the ring after its first change; each change writes the next number, exclusively
dvcx.json            says, readable for all, that the remote is encrypted

What was seen last is remembered in the Git directory, so that an older or a forged ring is not taken for the newest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import DamagedData, Refused, RemoteError
from dvcx.base.files import remove_if_there, write_atomically
from dvcx.formats.key_text import Identity
from dvcx.formats.keyring import MOST_BYTES, KeyRing, dump_ring, parse_ring
from dvcx.formats.remote_json import DESCRIPTION_NAME, dump_encrypted_marker, is_encrypted_marker
from dvcx.storage.arrival import until_right
from dvcx.storage.bucket import AlreadyThere, Bucket, BucketFile, NotThere

KEYS = "keys/"
_NAME = re.compile(r"keys/([0-9]{8})\.json")
_KEEP = 3
"""Files of older rings that stay, for who is just reading one."""


class NoKey(RemoteError):
    """The remote is encrypted, and there is no private key here that opens it (exit code 5, like a wrong password)."""


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """What is known here of a remote's keys.

    `url` is the remote's, without a password. `identities` gives the private keys of who works here, when they are
    needed; none when there are none. `pinned` is the hash of an entry that the ring must have, from the configuration.
    `memory` is the file with what was seen last.
    """

    name: str
    url: str
    identities: Callable[[], Sequence[Identity]]
    pinned: str | None
    memory: Path


class KeyShelf:
    """The key ring in `bucket`."""

    def __init__(self, bucket: Bucket, place: KeyPlace) -> None:
        self._bucket = bucket
        self._place = place

    @property
    def place(self) -> KeyPlace:
        """What is known here of the keys."""
        return self._place

    def load(self) -> KeyRing | None:
        """Gives the newest ring, or None when nothing at all is there: the remote is new.

        Raises `Refused` when the ring is older than one seen before, or not the one that is trusted here, or when the
        remote holds data that is not encrypted; `ArrivedDamaged` when it cannot be read.
        """
        newest = self._newest()
        known = self._remembered()
        if newest is None:
            self._refuse_what_is_not_new(known)
            return None
        number = int(newest.name[len(KEYS) : len(KEYS) + 8])
        ring = known if known is not None and known.number == number else self._read(newest, number)
        self._check_trust(ring, known)
        if ring is not known:
            self._remember(ring)
        return ring

    def secrets(self, ring: KeyRing) -> tuple[bytes, ...]:
        """Gives the data keys; raises `NoKey` when no private key here opens them."""
        identities = self._place.identities()
        found = ring.secrets(identities)
        if found is not None:
            return found
        what = f'remote "{self._place.name}" is encrypted'
        if not identities:
            raise NoKey(
                f"{what}, and you have no private key",
                f"`dvcx remote keys generate` makes one; then have a member run "
                f"`dvcx remote keys add {self._place.name} YOU PUBLIC_KEY`",
            )
        raise NoKey(
            f"{what}, and your key is none of those that open it ({', '.join(sorted(ring.members))})",
            f"give a member your public key (`dvcx remote keys generate --show`) for "
            f"`dvcx remote keys add {self._place.name} YOU PUBLIC_KEY`",
        )

    def store(self, ring: KeyRing) -> None:
        """Makes `ring`, a change of the newest one, the newest; raises `RemoteError` when somebody else was quicker."""
        name = f"{KEYS}{ring.number:08}.json"
        try:
            self._bucket.write(name, [dump_ring(ring)], exclusive=True)
        except AlreadyThere as error:
            raise RemoteError(
                f'somebody else changed the keys of remote "{self._place.name}" at the same time',
                "run the command again",
            ) from error
        if ring.number == 1:
            try:
                self._bucket.write(DESCRIPTION_NAME, [dump_encrypted_marker()], exclusive=True)
            except AlreadyThere:
                pass  # left by a start that was killed, or somebody pushed in the clear just now: `load` tells
        self._remember(ring)
        old = sorted(file.name for file in self._bucket.list(KEYS) if _NAME.fullmatch(file.name))
        self._bucket.delete(old[: -_KEEP - 1])

    def forget(self) -> None:
        """Forgets what was seen before: somebody starts anew on purpose."""
        remove_if_there(self._place.memory)

    def _newest(self) -> BucketFile | None:
        try:
            files = [file for file in self._bucket.list(KEYS) if _NAME.fullmatch(file.name)]
        except NotThere:
            return None  # a folder that the first write makes
        return max(files, key=lambda file: file.name, default=None)

    def _read(self, file: BucketFile, number: int) -> KeyRing:
        return until_right(lambda: self._read_once(file, number), None)

    def _read_once(self, file: BucketFile, number: int) -> KeyRing:
        where = f'{file.name} of remote "{self._place.name}"'
        ring = parse_ring(self._bucket.read_range(file.name, 0, MOST_BYTES), where)
        if ring.number != number:
            raise DamagedData(f"{where} has {ring.number} changes, not what its name says", _ASK)
        return ring

    def _refuse_what_is_not_new(self, known: KeyRing | None) -> None:
        what = f'remote "{self._place.name}"'
        try:
            marker = self._bucket.read_range(DESCRIPTION_NAME, 0, 4096)
        except NotThere:
            if known is not None or self._place.pinned is not None:
                raise RemoteError(
                    f"{what} should have a key ring, but there is nothing at {self._bucket.label}",
                    "is its disk or share mounted, and is the URL right? to start anew there: "
                    f"`dvcx remote modify --unset {self._place.name} keyring`, remove {self._place.memory} "
                    "if it is there, `dvcx remote keys add`",
                ) from None
            return
        if is_encrypted_marker(marker):
            raise Refused(f"the key ring of {what} is gone: nobody can read what is there", _ASK)
        raise Refused(f"{what} is to be encrypted, but what is there already is not", self._way_to_encryption())

    def _way_to_encryption(self) -> str:
        """Gives the commands that bring what lies in the clear to an encrypted remote."""
        old, new = self._place.name, f"{self._place.name}-encrypted"
        typed = (
            f"dvcx remote add {new} {self._place.url.rstrip('/')}-encrypted",
            f"dvcx remote keys add {new} YOU",
            f"dvcx fetch --all-commits --run-cache -r {old}",
            f"dvcx push --all-commits --run-cache -r {new}",
            f"dvcx remote default {new}",
        )
        return (
            f"leave it in the clear (`dvcx remote modify {old} encrypt none`), or make an encrypted one beside it, "
            f"with the options of {old}: {', '.join(f'`{each}`' for each in typed)}; then have everybody use it, and "
            f"empty {old}"
        )

    def _check_trust(self, ring: KeyRing, known: KeyRing | None) -> None:
        hashes = {entry.hash for entry in ring.log}
        pinned = self._place.pinned
        what = f'the key ring of remote "{self._place.name}"'
        if pinned is not None and pinned not in hashes:
            raise Refused(
                f"{what} is not the one that the configuration names, or an older one: "
                "somebody may have put it there to read what you push",
                f"{_ASK}; when it is right: `dvcx remote modify {self._place.name} keyring {ring.log[-1].hash}`",
            )
        if known is None or known.log[-1].hash in hashes or (known.root != ring.root and pinned is not None):
            return
        older = known.root == ring.root and all(entry.hash in {e.hash for e in known.log} for entry in ring.log)
        problem = "is older than the one seen before" if older else "is another one than the one seen before"
        raise Refused(
            f"{what} {problem}: somebody may have put it there to read what you push",
            f"{_ASK}; when it is right, remove {self._place.memory}",
        )

    def _remembered(self) -> KeyRing | None:
        try:
            return parse_ring(self._place.memory.read_bytes(), str(self._place.memory))
        except FileNotFoundError:
            return None
        except DamagedData as error:
            raise DamagedData(error.message, f"remove {self._place.memory} if you trust the remote as it is") from error

    def _remember(self, ring: KeyRing) -> None:
        try:
            self._place.memory.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._place.memory, dump_ring(ring))
        except OSError:
            return  # a read-only repository can still pull

    def __repr__(self) -> str:
        return f"KeyShelf({self._place.name})"


_ASK = "ask the other members of the project, and look who can write to the remote"
