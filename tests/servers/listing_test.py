"""Listings of more files than a store gives at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.servers.buckets import bucket_at
from tests.servers.stores import marked, new_place

MANY = 1100


@pytest.mark.parametrize("kind", marked(("s3-rclone", "gcs", "ssh", "http")))
def test_a_long_listing_is_whole(kind: str) -> None:
    place = new_place(kind)
    bucket = bucket_at(place)
    names = {f"packs/{number % 4:02}/{number:05}" for number in range(MANY)}
    if place.folder is not None and kind != "s3-rclone":  # rclone remembers for a while what was in its folders
        for name in names:
            (place.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (place.folder / name).write_text(name)
    else:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda name: bucket.write(name, [name.encode()]), names))
    assert {file.name for file in bucket.list("packs/")} == names
    assert {file.size for file in bucket.list("packs/")} == {14}
    bucket.delete(names)
    assert list(bucket.list("packs/")) == []
