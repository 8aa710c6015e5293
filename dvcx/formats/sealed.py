"""Sealed files: how names and contents of an encrypted remote stand in its bucket.

A content is cut into blocks of 64 KiB, each sealed by itself, so that any range can be read:

    last    u8        1 for the last block of the file, else 0
    nonce   24 bytes  chosen by chance
    sealed            the block, XChaCha20-Poly1305, 16 bytes longer; bound to `last`, its number and the file's name

A name is sealed too, under a nonce that is a keyed hash of it (a synthetic IV): the same name gives the same text.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from blake3 import blake3

from dvcx.base.sodium import NONCE_SIZE, TAG_SIZE, NotAuthentic, seal, unseal

BLOCK = 64 << 10
OVERHEAD = 1 + NONCE_SIZE + TAG_SIZE
SEALED_BLOCK = BLOCK + OVERHEAD
SEALED_FOLDER = re.compile(r"[a-z]{1,16}")
_CONTENT_KEY = "dvcx remote 2026-11 contents"
_NAME_KEY = "dvcx remote 2026-11 names"
_NONCE_KEY = "dvcx remote 2026-11 nonces of names"
_PLACE = struct.Struct("<5sBQ")
_MAGIC = b"dvcx1"
_LEAF = re.compile(r"([0-9a-f]{1,6})-([a-z2-7]{1,240})")
_HASHED = re.compile(r"(?:packs/([0-9a-f]{2})|index)/([0-9a-f]{64})\.(pack|idx|marks)")
_ENDINGS = ("pack", "idx", "marks")
_NO_FOLDER = "about"

Part = bytes | bytearray | memoryview


class DataKey(NamedTuple):
    """The keys of one generation: for contents, for names, and for the nonces of names."""

    generation: int
    content: bytes
    name: bytes
    nonce: bytes


class SealedName(NamedTuple):
    """What the name of a file in the bucket says: the file's real name, and which generation of keys it has."""

    name: str
    generation: int


class Opened(NamedTuple):
    """Blocks that were opened.

    A block that is not authentic is in `data` as zeros, and counted in `bad`. `ended` tells whether the last block of
    the file is among them, where it belongs.
    """

    data: bytes
    bad: int
    ended: bool


def data_key(generation: int, secret: bytes) -> DataKey:
    """Gives the keys that come from the secret of a generation."""
    contents, names, nonces = (
        blake3(secret, derive_key_context=context).digest() for context in (_CONTENT_KEY, _NAME_KEY, _NONCE_KEY)
    )
    return DataKey(generation, contents, names, nonces)


def seal_blocks(key: DataKey, name: str, parts: Sequence[Part]) -> Iterator[bytes]:
    """Gives the sealed blocks of the file `name` whose content are the joined `parts`."""
    number = 0
    held: bytes | None = None
    for block in _regrouped(parts):
        if held is not None:
            yield _seal_block(key, name, number, held, last=False)
            number += 1
        held = block
    yield _seal_block(key, name, number, held or b"", last=True)


def open_blocks(key: DataKey, name: str, data: Part, first: int = 0) -> Opened:
    """Opens blocks of the file `name`, the first of which has the number `first`."""
    view = memoryview(data)
    opened: list[bytes] = []
    bad = 0
    ended = False
    for at in range(0, len(view), SEALED_BLOCK):
        block = view[at : at + SEALED_BLOCK]
        content = None if ended else _open_block(key, name, first + at // SEALED_BLOCK, block)
        if content is None:
            bad += 1
            content = bytes(max(0, len(block) - OVERHEAD))
        else:
            ended = block[0] == 1
        opened.append(content)
    return Opened(b"".join(opened), bad, ended)


def plain_size(stored: int) -> int:
    """Gives how many bytes the content has of a file with `stored` bytes in the bucket."""
    return max(0, stored - OVERHEAD * -(-stored // SEALED_BLOCK))


def sealed_name(key: DataKey, name: str) -> str:
    """Gives the name that the file `name` has in the bucket: its first folder stays, for listings."""
    plain = _short(name)
    nonce = blake3(plain, key=key.nonce).digest()[:NONCE_SIZE]
    folder, _ = _folder_of(name)
    text = base64.b32encode(nonce + seal(key.name, nonce, plain, folder.encode())).decode().rstrip("=").lower()
    leaf = f"{key.generation:x}-{text}"
    return f"{folder}/{text[:2]}/{leaf}" if folder == "packs" else f"{folder}/{leaf}"


def generation_in(stored_name: str) -> int | None:
    """Gives the generation that a name in a bucket claims, None for names that are none of ours."""
    found = _LEAF.fullmatch(stored_name.rpartition("/")[2])
    return int(found[1], 16) if found else None


def open_name(key: DataKey, stored_name: str) -> str | None:
    """Gives the real name of a file in the bucket; None when it is not one that this key made."""
    found = _LEAF.fullmatch(stored_name.rpartition("/")[2])
    if found is None or int(found[1], 16) != key.generation:
        return None
    body = found[2].upper()
    try:
        data = base64.b32decode(body + "=" * (-len(body) % 8))
        plain = unseal(key.name, data[:NONCE_SIZE], data[NONCE_SIZE:], stored_name.partition("/")[0].encode())
        name = _long(plain)
    except (binascii.Error, NotAuthentic, UnicodeDecodeError):
        return None
    return name if sealed_name(key, name) == stored_name else None


def listed_folder(prefix: str) -> str:
    """Gives the prefix in the bucket below which all files lie whose real names start with `prefix`."""
    return f"{_folder_of(prefix)[0]}/" if prefix else ""


def _seal_block(key: DataKey, name: str, number: int, data: bytes, *, last: bool) -> bytes:
    nonce = os.urandom(NONCE_SIZE)
    return bytes([last]) + nonce + seal(key.content, nonce, data, _place(name, number, last=last))


def _open_block(key: DataKey, name: str, number: int, block: memoryview) -> bytes | None:
    if len(block) < OVERHEAD or block[0] > 1 or (block[0] == 0 and len(block) < SEALED_BLOCK):
        return None
    nonce, sealed = bytes(block[1 : 1 + NONCE_SIZE]), bytes(block[1 + NONCE_SIZE :])
    try:
        return unseal(key.content, nonce, sealed, _place(name, number, last=block[0] == 1))
    except NotAuthentic:
        return None


def _place(name: str, number: int, *, last: bool) -> bytes:
    return _PLACE.pack(_MAGIC, last, number) + name.encode()


def _regrouped(parts: Sequence[Part]) -> Iterator[bytes]:
    """Gives the joined parts in blocks, without ever joining them all."""
    waiting = bytearray()
    for part in parts:
        view = memoryview(part).cast("B")
        at = 0
        if waiting:
            at = min(BLOCK - len(waiting), len(view))
            waiting += view[:at]
            if len(waiting) < BLOCK:
                continue
            yield bytes(waiting)
            waiting.clear()
        while len(view) - at >= BLOCK:
            yield bytes(view[at : at + BLOCK])
            at += BLOCK
        waiting += view[at:]
    if waiting:
        yield bytes(waiting)


def _folder_of(name: str) -> tuple[str, str]:
    folder, slash, rest = name.partition("/")
    return (folder, rest) if slash and SEALED_FOLDER.fullmatch(folder) else (_NO_FOLDER, name)


def _short(name: str) -> bytes:
    """Gives a name in few bytes: most are a hash of 32 bytes with an ending."""
    found = _HASHED.fullmatch(name)
    if found and (found[3] == "pack") == (found[1] is not None) and (found[1] is None or found[2].startswith(found[1])):
        return bytes([1 + _ENDINGS.index(found[3])]) + bytes.fromhex(found[2])
    return b"\0" + name.encode()


def _long(plain: bytes) -> str:
    if plain[:1] == b"\0":
        return plain[1:].decode()
    digits, ending = plain[1:].hex(), _ENDINGS[plain[0] - 1]
    return f"packs/{digits[:2]}/{digits}.pack" if ending == "pack" else f"index/{digits}.{ending}"
