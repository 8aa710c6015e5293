"""Key rings: who can open one, who can change one, and what forgeries look like."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvcx.base.errors import DamagedData, UsageError
from dvcx.base.sodium import new_key, sign
from dvcx.formats.key_text import (
    Identity,
    parse_identities,
    parse_public,
    print_private,
    print_public,
)
from dvcx.formats.keyring import (
    KeyRing,
    dump_ring,
    parse_ring,
    start_ring,
    with_member,
    with_new_key,
    without_member,
)
from tests.encryption import ADA, BEN, EVE

FIRST, SECOND = b"1" * 32, b"2" * 32


def three_changes() -> KeyRing:
    """ADA starts, adds BEN, removes BEN."""
    ring = with_member(start_ring(ADA, "ada", 1.0, FIRST), ADA, "ben", BEN.public, 2.0)
    return without_member(ring, ADA, "ben", 3.0, SECOND)


def changed(ring: KeyRing, change: Any) -> bytes:
    document = json.loads(dump_ring(ring))
    change(document)
    return json.dumps(document).encode()


def test_each_member_gets_every_data_key_and_nobody_else_any() -> None:
    ring = with_new_key(start_ring(ADA, "ada", 1.0, FIRST), ADA, "ada", 2.0, SECOND)
    ring = parse_ring(dump_ring(with_member(ring, ADA, "ben", BEN.public, 3.0)), "the ring")
    assert ring.secrets([ADA]) == ring.secrets([EVE, BEN]) == (FIRST, SECOND)
    assert ring.secrets([EVE]) is None and ring.secrets([]) is None
    assert {"ada": ADA.public, "ben": BEN.public} == dict(ring.members)


def test_who_was_removed_does_not_get_the_next_key() -> None:
    ring = parse_ring(dump_ring(three_changes()), "the ring")
    assert ring.secrets([ADA]) == (FIRST, SECOND)
    assert ring.secrets([BEN]) is None
    assert BEN.public.hex() not in ring.wrapped


def test_a_member_who_was_added_can_change_the_ring() -> None:
    ring = with_member(start_ring(ADA, "ada", 1.0, FIRST), ADA, "ben", BEN.public, 2.0)
    ring = parse_ring(dump_ring(with_member(ring, BEN, "eve", EVE.public, 3.0)), "the ring")
    assert ring.secrets([EVE]) == (FIRST,)


def test_what_the_file_shows_is_no_key() -> None:
    text = dump_ring(three_changes()).decode()
    for secret in (FIRST, SECOND, ADA.seed, BEN.seed):
        assert secret.hex() not in text and "MTExMTEx" not in text
    assert "1111" not in repr(three_changes()) and repr(ADA) == "Identity(***)"


def forged_by_a_stranger(document: Any) -> None:
    ring = with_member(start_ring(EVE, "eve", 1.0, FIRST), EVE, "ada", ADA.public, 2.0)
    document["log"][-1] = json.loads(dump_ring(ring))["log"][-1]


def signed_by_who_was_removed(document: Any) -> None:
    """BEN, whom the third change removed, signs a fourth that follows from it."""
    body = json.loads(document["log"][-1]["body"])
    body |= {"number": 4, "signer": BEN.public.hex(), "action": "rotate", "previous": three_hash(document)}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    document["log"].append({"body": text, "signature": sign(BEN.seed, b"dvcx key ring 1\n" + text.encode()).hex()})


def three_hash(document: Any) -> str:
    return parse_ring(json.dumps(document).encode(), "the ring").log[-1].hash


def other_person(document: Any) -> None:
    last = document["log"][-1]
    last["body"] = last["body"].replace(ADA.public.hex(), EVE.public.hex())


def other_keys(document: Any) -> None:
    """EVE wraps keys of her own for ADA: what ADA writes from now on EVE could read."""
    fake = start_ring(ADA, "ada", 1.0, b"e" * 32)
    document["wrapped"] = json.loads(dump_ring(with_new_key(fake, ADA, "ada", 2.0, b"e" * 32)))["wrapped"]


def dropped_entry(document: Any) -> None:
    del document["log"][1]


def dropped_first(document: Any) -> None:
    del document["log"][0]


def turned_back(document: Any) -> None:
    """The removal is cut off, the wrapped keys of after it stay."""
    del document["log"][-1]


def swapped_generations(document: Any) -> None:
    keys = document["wrapped"][ADA.public.hex()]
    keys.reverse()


def flipped_signature(document: Any) -> None:
    last = document["log"][-1]
    last["signature"] = ("0" if last["signature"][0] != "0" else "1") + last["signature"][1:]


def empty(document: Any) -> None:
    document["log"] = []


def short_key(document: Any) -> None:
    document["wrapped"][ADA.public.hex()][0] = "AAAA"


@pytest.mark.parametrize(
    "forgery",
    [
        forged_by_a_stranger,
        signed_by_who_was_removed,
        other_person,
        other_keys,
        dropped_entry,
        dropped_first,
        turned_back,
        swapped_generations,
        flipped_signature,
        empty,
        short_key,
    ],
)
def test_a_forged_ring_is_refused(forgery: Any) -> None:
    with pytest.raises(DamagedData) as caught:
        parse_ring(changed(three_changes(), forgery), "the ring")
    assert "members" in (caught.value.hint or "")


def test_a_removal_without_a_new_key_is_refused() -> None:
    ring = with_member(start_ring(ADA, "ada", 1.0, FIRST), ADA, "ben", BEN.public, 2.0)
    lazy = with_member(KeyRing(ring.log, ring.wrapped), ADA, "ben", BEN.public, 3.0)
    body = json.loads(lazy.log[-1].body) | {"action": "remove", "members": {"ada": ADA.public.hex()}}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))

    def let_go(document: Any) -> None:
        signature = sign(ADA.seed, b"dvcx key ring 1\n" + text.encode()).hex()
        document["log"][-1] = {"body": text, "signature": signature}
        del document["wrapped"][BEN.public.hex()]

    with pytest.raises(DamagedData, match="without a new data key"):
        parse_ring(changed(lazy, let_go), "the ring")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(DamagedData):
        parse_ring(data, "the ring")


@pytest.mark.parametrize("field", ["log", "wrapped", "format"])
@pytest.mark.parametrize("value", [None, 7, "x", [], {}, [{}], [["x"]], {"x": [1]}])
def test_fields_of_other_kinds_are_refused_in_words(field: str, value: object) -> None:
    with pytest.raises(DamagedData):
        parse_ring(changed(three_changes(), lambda document: document.update({field: value})), "the ring")


@given(st.binary(min_size=32, max_size=32))
def test_keys_come_back_from_their_text(seed: bytes) -> None:
    identity = Identity(seed)
    assert parse_identities(f"# mine\n\n{print_private(identity)}\n", "a file") == (identity,)
    assert parse_public(print_public(identity.public).upper() + "\n") == identity.public


@pytest.mark.parametrize("at", [0, 3, 9, 20, 50, -1])
def test_a_mistyped_key_is_noticed(at: int) -> None:
    text = print_public(ADA.public)
    wrong = "b" if text[at] != "b" else "c"
    with pytest.raises(UsageError):
        parse_public(text[:at] + wrong + text[at:][1:])
    with pytest.raises(UsageError):
        parse_public(text[:-4])


def test_a_private_key_in_the_place_of_a_public_one_is_told_and_not_shown() -> None:
    text = print_private(Identity(new_key()))
    with pytest.raises(UsageError, match="private key") as caught:
        parse_public(text)
    assert text[10:] not in caught.value.message + (caught.value.hint or "")
    with pytest.raises(UsageError) as other:
        parse_identities(text + "x", "the file")
    assert text[10:] not in other.value.message + (other.value.hint or "")
