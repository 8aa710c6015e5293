"""People's keys as text: `dvcxpub1...` may be shown to anybody, `dvcxkey1...` to nobody.

After the prefix stands, in Base32 without padding and in lower case, the key of 32 bytes and the first 4 bytes of the
BLAKE3 of prefix and key, so that a mistyped or cut-off key is noticed.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from blake3 import blake3

from dvcx.base.errors import UsageError
from dvcx.base.sodium import KEY_SIZE, public_key

PUBLIC = "dvcxpub1"
PRIVATE = "dvcxkey1"
_CHECK = 4
MOST_BYTES = 64 << 10
"""A larger file is no file of keys."""


class Identity(NamedTuple):
    """A person's private key; `seed` is never shown."""

    seed: bytes

    @property
    def public(self) -> bytes:
        """The public key that belongs to it."""
        return public_key(self.seed)

    def __repr__(self) -> str:
        return "Identity(***)"


def print_public(key: bytes) -> str:
    """Gives a public key as text."""
    return _text(PUBLIC, key)


def print_private(identity: Identity) -> str:
    """Gives a private key as text."""
    return _text(PRIVATE, identity.seed)


def parse_public(text: str) -> bytes:
    """Reads a public key; raises `UsageError` for anything else, without showing what may be a private key."""
    key = _key(PUBLIC, text)
    if key is None:
        what = "a private key, which nobody else should see" if PRIVATE in text.lower() else "not a public key"
        raise UsageError(
            f"that is {what}", f"public keys begin with {PUBLIC}; `dvcx remote keys generate --show` prints yours"
        )
    return key


def parse_identities(text: str, where: str) -> tuple[Identity, ...]:
    """Reads private keys, one a line; lines that are empty or begin with `#` are passed over.

    Raises `UsageError` when there is none, or a line is something else; its text is not shown.
    """
    found: list[Identity] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        seed = _key(PRIVATE, line)
        if seed is None:
            raise UsageError(
                f"{where} line {number} is no private key", f"they begin with {PRIVATE}; is the line whole?"
            )
        found.append(Identity(seed))
    if not found:
        raise UsageError(f"{where} has no private key", "`dvcx remote keys generate` makes one")
    return tuple(found)


def _text(prefix: str, key: bytes) -> str:
    return prefix + base64.b32encode(key + _check(prefix, key)).decode().rstrip("=").lower()


def _key(prefix: str, text: str) -> bytes | None:
    word = text.strip().lower()
    if not word.startswith(prefix) or not word.isascii() or len(word) > 100:
        return None
    body = word.removeprefix(prefix).upper()
    try:
        data = base64.b32decode(body + "=" * (-len(body) % 8))
    except binascii.Error:
        return None
    key = data[:KEY_SIZE]
    return key if len(data) == KEY_SIZE + _CHECK and data[KEY_SIZE:] == _check(prefix, key) else None


def _check(prefix: str, key: bytes) -> bytes:
    return blake3(prefix.encode() + key).digest()[:_CHECK]
