"""Files of a tracked folder that were never fetched here: absent is not deleted."""

from __future__ import annotations

from collections.abc import Callable

from dvcx.manifest.trees import TreeEditor, is_at_hand
from dvcx.model.tree import TreeEntry, make_tree


def keep_unfetched(
    old: TreeEntry, new: TreeEntry, editor: TreeEditor, has: Callable[[bytes], bool]
) -> tuple[TreeEntry, int]:
    """Gives the folder `new` with those files of `old` that are absent from it because they were never fetched.

    A file that is in neither the workspace nor the cache was not deleted here: it was never here. Gives also how many
    files were kept so.
    """
    if old.digest == new.digest or not is_at_hand(editor.load, old.digest):
        return new, 0
    before = editor.load(old.digest)
    now = editor.load(new.digest).by_name()
    kept = 0
    for entry in before.entries:
        present = now.get(entry.name)
        if present is not None:
            if present.is_folder and entry.is_folder:
                now[entry.name], count = keep_unfetched(entry, present, editor, has)
                kept += count
            continue
        absent, count = _unfetched_part(entry, editor, has)
        if absent is not None:
            now[entry.name] = absent
            kept += count
    if not kept:
        return new, 0
    return editor.keep(new.name, make_tree(now.values())), kept


def _unfetched_part(entry: TreeEntry, editor: TreeEditor, has: Callable[[bytes], bool]) -> tuple[TreeEntry | None, int]:
    """Gives what of `entry`, which is not in the workspace, is not in the cache either; and its number of files."""
    if entry.is_link:
        return None, 0
    if not entry.is_folder:
        return (None, 0) if has(entry.digest) else (entry, 1)
    if not is_at_hand(editor.load, entry.digest):
        return entry, entry.files
    parts = [_unfetched_part(child, editor, has) for child in editor.load(entry.digest).entries]
    kept = [(part, count) for part, count in parts if part is not None]
    if not kept:
        return None, 0
    return editor.keep(entry.name, make_tree(part for part, _ in kept)), sum(count for _, count in kept)
