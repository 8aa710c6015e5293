"""Encryption and signatures by libsodium, through PyNaCl: the only module that imports it.

`seal` is XChaCha20-Poly1305, whose nonces of 24 bytes may be chosen by chance; `wrap` a sealed box (X25519); signatures
are Ed25519. A person's one key, an Ed25519 seed, serves for both.
"""

from __future__ import annotations

import os
from types import ModuleType

from dvcx.base.errors import RemoteError

KEY_SIZE = 32
NONCE_SIZE = 24
TAG_SIZE = 16
SIGNATURE_SIZE = 64
_nacl: ModuleType | None = None
_failure: type[Exception] = Exception


class NotAuthentic(Exception):
    """Bytes that were not made with this key for this place, or were changed since."""


def new_key() -> bytes:
    """Gives 32 bytes by chance: a key that seals, or the seed of a person's key."""
    return os.urandom(KEY_SIZE)


def seal(key: bytes, nonce: bytes, data: bytes, place: bytes) -> bytes:
    """Gives `data` encrypted, 16 bytes longer; only who knows `key`, `nonce` and `place` can open it.

    Never seal two things with the same key and nonce. Raises `RemoteError` when PyNaCl is not installed.
    """
    sealed: bytes = _sodium().crypto_aead_xchacha20poly1305_ietf_encrypt(data, place, nonce, key)
    return sealed


def unseal(key: bytes, nonce: bytes, sealed: bytes, place: bytes) -> bytes:
    """Gives what was sealed; raises `NotAuthentic` when any of the four is not what it was."""
    nacl = _sodium()
    try:
        data: bytes = nacl.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, place, nonce, key)
    except (_failure, ValueError, TypeError) as error:
        raise NotAuthentic from error
    return data


def public_key(seed: bytes) -> bytes:
    """Gives the public key of the person whose key has this seed."""
    public, _ = _sodium().crypto_sign_seed_keypair(seed)
    return bytes(public)


def sign(seed: bytes, data: bytes) -> bytes:
    """Gives the signature, 64 bytes, of the person whose key has this seed."""
    nacl = _sodium()
    _, secret = nacl.crypto_sign_seed_keypair(seed)
    signed: bytes = nacl.crypto_sign(data, secret)
    return signed[:SIGNATURE_SIZE]


def is_signed(public: bytes, data: bytes, signature: bytes) -> bool:
    """Tells whether the signature of `data` is that of the person with this public key."""
    nacl = _sodium()
    try:
        nacl.crypto_sign_open(signature + data, public)
    except (_failure, ValueError, TypeError):
        return False
    return len(signature) == SIGNATURE_SIZE


def wrap(public: bytes, secret: bytes) -> bytes:
    """Gives `secret` in a form that only the person with this public key can open; raises `NotAuthentic` for no key."""
    nacl = _sodium()
    try:
        sealed: bytes = nacl.crypto_box_seal(secret, nacl.crypto_sign_ed25519_pk_to_curve25519(public))
    except (_failure, ValueError, TypeError) as error:
        raise NotAuthentic from error
    return sealed


def unwrap(seed: bytes, wrapped: bytes) -> bytes:
    """Gives what was wrapped for the person whose key has this seed; raises `NotAuthentic` when it was not."""
    nacl = _sodium()
    public, secret = nacl.crypto_sign_seed_keypair(seed)
    try:
        opened: bytes = nacl.crypto_box_seal_open(
            wrapped,
            nacl.crypto_sign_ed25519_pk_to_curve25519(public),
            nacl.crypto_sign_ed25519_sk_to_curve25519(secret),
        )
    except (_failure, ValueError, TypeError) as error:
        raise NotAuthentic from error
    return opened


def _sodium() -> ModuleType:
    global _nacl, _failure
    if _nacl is None:
        try:
            from nacl import bindings, exceptions  # 20 ms, which only encrypted remotes pay

            _nacl, _failure = bindings, exceptions.CryptoError
        except ImportError as error:
            raise RemoteError(
                "encrypted remotes need the library PyNaCl, which is not installed", "pip install 'git-dvcx[encrypt]'"
            ) from error
    return _nacl
