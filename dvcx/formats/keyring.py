"""Key rings: who may read an encrypted remote, as a log that its members sign, and its data keys, wrapped for each.

A ring is one JSON file. Every change of the members or of the data keys appends an entry, signed by somebody who was a
member before it; the first entry names all the others' root. So only members can change a ring, a change can be told
from a replacement, and an older copy is known for what it is by who has seen a newer one.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec
from blake3 import blake3

from dvcx.base.errors import DamagedData
from dvcx.base.sodium import KEY_SIZE, NotAuthentic, is_signed, sign, unwrap, wrap
from dvcx.formats.key_text import Identity

VERSION = 1
MOST_BYTES = 16 << 20
MOST_GENERATIONS = 10_000
PERSON = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]{0,63}")
_SIGNED = b"dvcx key ring 1\n"

Action = Literal["start", "add", "remove", "rotate"]


class Change(msgspec.Struct, frozen=True):
    """One entry of the log: what was done, by whom, and what holds from then on.

    `previous` is the hash of the entry before; `members` maps names to public keys, hex; `generations` counts the data
    keys; `wrapped` is the hash of the wrapped data keys. `at` is in Unix seconds, as the signer's clock had it.
    """

    format: int
    number: int
    action: Action
    person: str
    at: float
    signer: str
    members: dict[str, str]
    generations: int
    wrapped: str
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A change as it was signed: the exact bytes, and the signature."""

    change: Change
    body: bytes
    signature: bytes

    @property
    def hash(self) -> str:
        """The name of the entry and of all before it, 64 hex digits."""
        return blake3(self.body + self.signature).hexdigest()


@dataclass(frozen=True, slots=True)
class KeyRing:
    """A ring whose log was checked from its first entry on. `wrapped` has for each public key, hex, the data keys."""

    log: tuple[Entry, ...]
    wrapped: Mapping[str, tuple[bytes, ...]] = field(repr=False)

    @property
    def root(self) -> str:
        """The hash of the first entry, which stays: the name of the ring."""
        return self.log[0].hash

    @property
    def last(self) -> Change:
        """The newest entry: what holds now."""
        return self.log[-1].change

    @property
    def number(self) -> int:
        """How many changes there were."""
        return len(self.log)

    @property
    def members(self) -> Mapping[str, bytes]:
        """The public keys of those who may read, by name."""
        return {person: bytes.fromhex(key) for person, key in self.last.members.items()}

    def secrets(self, identities: Sequence[Identity]) -> tuple[bytes, ...] | None:
        """Gives the secrets of all generations, for the first of the identities that is a member; else None.

        Raises `DamagedData` when a member's keys cannot be opened.
        """
        for identity in identities:
            mine = self.wrapped.get(identity.public.hex())
            if mine is not None and identity.public in self.members.values():
                try:
                    return tuple(unwrap(identity.seed, each) for each in mine)
                except NotAuthentic as error:
                    raise DamagedData(
                        "the data keys that the key ring has for you cannot be opened",
                        "ask another member to remove you and to add you again",
                    ) from error
        return None


def start_ring(identity: Identity, person: str, at: float, secret: bytes) -> KeyRing:
    """Gives a new ring with one member and one data key."""
    return _changed((), identity, ("start", person, at), {person: identity.public}, (secret,))


def with_member(ring: KeyRing, identity: Identity, person: str, public: bytes, at: float) -> KeyRing:
    """Gives the ring with one member more, who gets all data keys. `identity` is a member."""
    return _changed(
        ring.log, identity, ("add", person, at), {**ring.members, person: public}, _secrets_of(ring, identity)
    )


def without_member(ring: KeyRing, identity: Identity, person: str, at: float, secret: bytes) -> KeyRing:
    """Gives the ring without a member and with a new data key, which that one does not get."""
    left = {name: key for name, key in ring.members.items() if name != person}
    return _changed(ring.log, identity, ("remove", person, at), left, (*_secrets_of(ring, identity), secret))


def with_new_key(ring: KeyRing, identity: Identity, person: str, at: float, secret: bytes) -> KeyRing:
    """Gives the ring with a new data key for the same members; `person` is who does it."""
    return _changed(ring.log, identity, ("rotate", person, at), ring.members, (*_secrets_of(ring, identity), secret))


def _secrets_of(ring: KeyRing, identity: Identity) -> tuple[bytes, ...]:
    secrets = ring.secrets([identity])
    assert secrets is not None, "only members change a ring"
    return secrets


def _changed(
    log: tuple[Entry, ...],
    identity: Identity,
    what: tuple[Action, str, float],
    members: Mapping[str, bytes],
    secrets: tuple[bytes, ...],
) -> KeyRing:
    action, person, at = what
    wrapped = {key.hex(): tuple(wrap(key, secret) for secret in secrets) for key in members.values()}
    change = Change(
        format=VERSION,
        number=len(log) + 1,
        action=action,
        person=person,
        at=at,
        signer=identity.public.hex(),
        members={name: key.hex() for name, key in members.items()},
        generations=len(secrets),
        wrapped=_hash_of(wrapped),
        previous=log[-1].hash if log else None,
    )
    body = msgspec.json.encode(change, order="sorted")
    return KeyRing((*log, Entry(change, body, sign(identity.seed, _SIGNED + body))), wrapped)


def dump_ring(ring: KeyRing) -> bytes:
    """Gives the bytes of a ring's file."""
    written = _File(
        VERSION,
        [_Entry(entry.body.decode(), entry.signature.hex()) for entry in ring.log],
        {key: [base64.b64encode(each).decode() for each in some] for key, some in ring.wrapped.items()},
    )
    return msgspec.json.format(msgspec.json.encode(written, order="sorted"), indent=2) + b"\n"


def parse_ring(data: bytes, where: str) -> KeyRing:
    """Reads a ring and checks every signature; raises `DamagedData` when it is none, of a newer format, or forged."""
    try:
        if msgspec.json.decode(data, type=_Versioned).format != VERSION:
            raise DamagedData(f"{where} has a newer format than this dvcx reads", "upgrade dvcx")
        file = msgspec.json.decode(data, type=_File)
        log = tuple(
            Entry(msgspec.json.decode(each.body, type=Change), each.body.encode(), bytes.fromhex(each.signature))
            for each in file.log
        )
        wrapped = {
            key: tuple(base64.b64decode(each, validate=True) for each in file.wrapped[key]) for key in file.wrapped
        }
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, ValueError) as error:
        raise DamagedData(f"{where} cannot be read: {error}", _HINT) from error
    _check(log, wrapped, where)
    return KeyRing(log, wrapped)


def _check(log: tuple[Entry, ...], wrapped: Mapping[str, tuple[bytes, ...]], where: str) -> None:
    if not log:
        raise DamagedData(f"{where} is empty", _HINT)
    trusted = set(log[0].change.members.values())
    before: Entry | None = None
    for number, entry in enumerate(log, start=1):
        change = entry.change
        if change.number != number or change.previous != (before.hash if before else None) or change.format != VERSION:
            raise DamagedData(f"{where} has an entry, number {number}, that does not follow from the one before", _HINT)
        if change.signer not in trusted or not is_signed(_key(change.signer), _SIGNED + entry.body, entry.signature):
            raise DamagedData(f"{where} has an entry, number {number}, that no member signed", _HINT)
        _check_change(change, before.change if before else None, where)
        before, trusted = entry, set(change.members.values())
    last = log[-1].change
    whole = set(wrapped) == set(last.members.values()) and all(len(s) == last.generations for s in wrapped.values())
    if not whole or _hash_of(wrapped) != last.wrapped:
        raise DamagedData(f"{where} has other data keys than its newest entry says", _HINT)


def _check_change(change: Change, before: Change | None, where: str) -> None:
    """Raises `DamagedData` for what no dvcx writes: a name or key that cannot be, a removal that leaves the old key."""
    people, keys = change.members, list(change.members.values())
    possible = all(map(PERSON.fullmatch, people)) and all(len(_key(key)) == KEY_SIZE for key in keys)
    if not possible or not keys or len(set(keys)) != len(keys) or not 1 <= change.generations <= MOST_GENERATIONS:
        raise DamagedData(f"{where} has members that cannot be", _HINT)
    if before is not None:
        gone = set(before.members.values()) - set(keys)
        if change.generations < before.generations + bool(gone):
            raise DamagedData(f"{where} lets somebody go without a new data key", _HINT)


def _key(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _hash_of(wrapped: Mapping[str, tuple[bytes, ...]]) -> str:
    hasher = blake3()
    for key, some in sorted(wrapped.items()):
        hasher.update(f"{key} {len(some)}\n".encode())
        for each in some:
            hasher.update(len(each).to_bytes(4, "little") + each)
    return hasher.hexdigest()


class _Versioned(msgspec.Struct, frozen=True):
    format: int


class _Entry(msgspec.Struct, frozen=True):
    body: str
    signature: str


class _File(msgspec.Struct, frozen=True):
    format: int
    log: list[_Entry]
    wrapped: dict[str, list[str]]


_HINT = "somebody changed or replaced the key ring: ask the other members; restore the file from a backup"
