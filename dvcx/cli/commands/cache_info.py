"""Show what the cache holds and how much space that takes.

Small files and listings of folders rest in packs, large files as files of their own (loose), which can be linked into
the workspace.

Examples:
    dvcx cache info
    dvcx cache info --json              # all sizes in bytes
"""

from __future__ import annotations

from dvcx.cli.console import Console
from dvcx.cli.invocation import Invocation
from dvcx.cli.render.sizes import count_text, size_text
from dvcx.operations.cache_place import CacheInfo, cache_info


def command(call: Invocation) -> CacheInfo:
    return cache_info(call.repo())


def render(result: CacheInfo, console: Console) -> None:
    rows = [
        ("folder", result.path + (", outside of this repository" if result.shared else "")),
        ("objects", f"{result.objects:,}, of them {count_text(result.trees, 'listing')} of folders"),
        ("size", size_text(result.size)),
        ("  packs", f"{size_text(result.pack_bytes)} in {count_text(result.packs, 'pack')}"),
        ("  loose", f"{size_text(result.loose_bytes)} in {count_text(result.loose_objects, 'file')}"),
    ]
    if result.partial_bytes:
        rows.append(
            ("interrupted", f"{size_text(result.partial_bytes)} of downloads, which the next fetch goes on with")
        )
    rows.append(
        ("quarantine", f"{size_text(result.quarantine_bytes)} in {count_text(result.quarantine_files, 'file')}")
    )
    entries = count_text(result.trash_entries, "command")
    rows.append(("trash", f"{size_text(result.trash_bytes)} of {entries} that `dvcx undo` can take back"))
    console.table(rows)
    for pack in result.unreadable_packs:
        console.warn(f"the pack {pack} cannot be read, and is not counted", "run `dvcx fsck --repair`")
