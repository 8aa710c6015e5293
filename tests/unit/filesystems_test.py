from __future__ import annotations

from pathlib import Path

import pytest

from dvcx.base.filesystems import existing_folder, filesystem_of, mounted_at
from dvcx.base.link_trial import try_links
from dvcx.base.links import LinkType

MOUNTS = r"""22 1 0:21 / / rw,relatime shared:1 - overlay overlay rw
30 22 0:40 / /mnt/my\040share rw - nfs4 server:/x rw
31 22 8:1 / /mnt rw - ext4 /dev/sda1 rw
32 22 8:2 /sub /mnt rw master:1 - xfs /dev/sdb1 rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/home/x", ("overlay", "/")),
        ("/mnt/my share/data", ("nfs4", "/mnt/my share")),
        ("/mnt", ("xfs", "/mnt")),
        ("/mnt2", ("overlay", "/")),
    ],
)
def test_the_innermost_and_latest_mount_counts(path: str, found: tuple[str, str]) -> None:
    assert mounted_at(path, MOUNTS) == found
    assert mounted_at(path, "") == ("unknown", "")


def test_sizes_are_those_of_the_system(tmp_path: Path) -> None:
    found = filesystem_of(tmp_path)
    assert 0 < found.free <= found.total and not found.read_only and not found.is_network


def test_the_nearest_folder_that_exists_is_found(tmp_path: Path) -> None:
    assert existing_folder(tmp_path / "a/b") == tmp_path
    assert existing_folder(tmp_path) == tmp_path


def test_links_are_tried_and_leave_nothing_behind(tmp_path: Path) -> None:
    store, workspace = tmp_path / "store", tmp_path / "workspace"
    store.mkdir()
    workspace.mkdir()
    tried = try_links(store, workspace)
    assert set(tried) == set(LinkType)
    assert tried[LinkType.HARDLINK] is tried[LinkType.SYMLINK] is tried[LinkType.COPY] is None
    assert not list(store.iterdir()) and not list(workspace.iterdir())
    with pytest.raises(OSError):
        try_links(store, tmp_path / "nowhere")
    assert not list(store.iterdir())
