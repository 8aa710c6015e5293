"""Sealed names and contents: what comes back, what is noticed, and what nobody without the key can tell."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvcx.formats.sealed import (
    BLOCK,
    OVERHEAD,
    SEALED_BLOCK,
    data_key,
    generation_in,
    listed_folder,
    open_blocks,
    open_name,
    plain_size,
    seal_blocks,
    sealed_name,
)

KEY = data_key(1, b"k" * 32)
OTHER = data_key(1, b"o" * 32)
NAME = "packs/ab/" + "ab" * 32 + ".pack"
NAMES = st.one_of(
    st.sampled_from([NAME, "index/" + "0f" * 32 + ".idx", "index/" + "0f" * 32 + ".marks", "dvcx.json"]),
    st.from_regex(r"[a-z]{1,9}/[a-zA-Z0-9._-]{1,30}", fullmatch=True),
    st.text("abcXYZ09./-_ü", min_size=1, max_size=40),
)


def sealed(data: bytes, name: str = NAME) -> bytearray:
    return bytearray(b"".join(seal_blocks(KEY, name, [data])))


@given(st.lists(st.integers(0, 2 * BLOCK + 3), max_size=4))
def test_any_parts_come_back_joined_and_their_size_can_be_told(sizes: list[int]) -> None:
    parts = [os.urandom(size) for size in sizes]
    stored = b"".join(seal_blocks(KEY, NAME, parts))
    assert open_blocks(KEY, NAME, stored) == (b"".join(parts), 0, True)
    assert plain_size(len(stored)) == sum(sizes)


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_a_block_is_opened_by_itself(size: int) -> None:
    data = os.urandom(size)
    stored = sealed(data)
    for number, at in enumerate(range(0, len(stored), SEALED_BLOCK)):
        opened = open_blocks(KEY, NAME, stored[at : at + SEALED_BLOCK], number)
        assert opened.bad == 0 and opened.data == data[number * BLOCK : (number + 1) * BLOCK]


def test_the_same_content_is_never_sealed_twice_alike() -> None:
    one, two = sealed(b"same" * 10), sealed(b"same" * 10)
    assert one != two
    assert len({one[at : at + 8].hex() for at in range(25, len(one) - 8)}) > 30, "and shows no repetition"


@pytest.mark.parametrize("at", [0, 1, 24, 25, 60, -1])
def test_a_flipped_bit_anywhere_in_a_block_is_noticed_and_costs_that_block_only(at: int) -> None:
    data = os.urandom(2 * BLOCK + 10)
    stored = sealed(data)
    stored[SEALED_BLOCK + at if at >= 0 else 2 * SEALED_BLOCK - 1] ^= 1
    opened = open_blocks(KEY, NAME, stored)
    assert opened == (data[:BLOCK] + bytes(BLOCK) + data[2 * BLOCK :], 1, True)


def test_blocks_cannot_change_places_files_or_keys() -> None:
    data = os.urandom(3 * BLOCK)
    stored = sealed(data)
    swapped = stored[SEALED_BLOCK : 2 * SEALED_BLOCK] + stored[:SEALED_BLOCK] + stored[2 * SEALED_BLOCK :]
    assert open_blocks(KEY, NAME, swapped).bad == 2
    assert open_blocks(KEY, NAME.replace("ab", "cd"), stored).bad == 3
    assert open_blocks(OTHER, NAME, stored).bad == 3
    other_file = sealed(os.urandom(3 * BLOCK), "packs/cd/" + "cd" * 32 + ".pack")
    spliced = stored[:SEALED_BLOCK] + other_file[SEALED_BLOCK:]
    assert open_blocks(KEY, NAME, spliced).data == data[:BLOCK] + bytes(2 * BLOCK)


def test_a_file_that_was_cut_off_or_continued_is_noticed() -> None:
    stored = sealed(os.urandom(2 * BLOCK))
    assert not open_blocks(KEY, NAME, stored[:SEALED_BLOCK]).ended
    assert not open_blocks(KEY, NAME, stored[:-1]).ended
    assert not open_blocks(KEY, NAME, b"").ended
    assert open_blocks(KEY, NAME, stored + sealed(b"more")).bad == 1
    assert open_blocks(KEY, NAME, stored[: OVERHEAD - 1]) == (b"", 1, False)


@given(NAMES)
def test_a_name_comes_back_and_is_the_same_each_time(name: str) -> None:
    stored = sealed_name(KEY, name)
    assert open_name(KEY, stored) == name
    assert stored == sealed_name(KEY, name)
    assert stored.startswith(listed_folder(name)) and generation_in(stored) == 1


@given(NAMES)
def test_a_name_is_not_opened_with_another_key_nor_in_another_folder(name: str) -> None:
    stored = sealed_name(KEY, name)
    assert open_name(OTHER, stored) is None
    assert open_name(data_key(2, b"k" * 32), stored) is None
    assert open_name(KEY, "elsewhere/" + stored.rpartition("/")[2]) is None
    assert open_name(KEY, stored[:-1]) is None
    last = "a" if stored[-2] != "a" else "b"
    assert open_name(KEY, stored[:-2] + last + stored[-1]) is None


def test_a_name_shows_no_digest() -> None:
    assert "ab" * 4 not in sealed_name(KEY, NAME).rpartition("/")[2]
    assert len({sealed_name(KEY, NAME), sealed_name(OTHER, NAME), sealed_name(data_key(2, b"k" * 32), NAME)}) == 3


@pytest.mark.parametrize("stored", ["packs/xx/1-", "packs/xx/zz-abc", "packs/x", "1-" + "a" * 300, "about/1-aaaa", ""])
def test_names_that_are_none_of_ours_are_passed_over(stored: str) -> None:
    assert open_name(KEY, stored) is None
