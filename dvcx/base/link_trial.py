"""Trying out which links work from one folder to another: what the documentation of file systems says is not enough."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from dvcx.base.links import LinkType, try_link

_CONTENT = b"dvcx tries out links" * 8192


def try_links(store: Path, workspace: Path) -> dict[LinkType, str | None]:
    """Gives for each link type why it does not work from `store` into `workspace`; None says that it works.

    Both are existing folders. A scratch folder is made in each, and removed. Raises `OSError` where that cannot be.
    """
    source_folder = Path(tempfile.mkdtemp(prefix=".dvcx-trial-", dir=store))
    try:
        target_folder = Path(tempfile.mkdtemp(prefix=".dvcx-trial-", dir=workspace))
        try:
            source = source_folder / "source"
            source.write_bytes(_CONTENT)
            folder = os.open(target_folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                return {kind: _try(kind, source, folder, target_folder) for kind in LinkType}
            finally:
                os.close(folder)
        finally:
            shutil.rmtree(target_folder, ignore_errors=True)
    finally:
        shutil.rmtree(source_folder, ignore_errors=True)


def _try(kind: LinkType, source: Path, folder: int, target_folder: Path) -> str | None:
    target = target_folder / kind.value
    try:
        if kind is LinkType.COPY:
            shutil.copyfile(source, target)
        elif not try_link(kind, str(source), kind.value, folder):
            across = source.stat().st_dev != target_folder.stat().st_dev and kind is not LinkType.SYMLINK
            return "the two are on different file systems" if across else "the file system does not support it"
        return None if target.read_bytes() == _CONTENT else "the link has other content"
    except OSError as error:
        return (error.strerror or str(error)).lower()
