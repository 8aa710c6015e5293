"""`dvcx note`: what people write on a pointer: a description, labels, and any facts by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dvcx.base.errors import UsageError
from dvcx.manifest.manifest import workspace_manifest
from dvcx.model.pointer import Pointer, pointer_path
from dvcx.operations.pointers import PointerChange, write_pointers
from dvcx.operations.targets import resolve_targets
from dvcx.repo.record import Repo, open_trash, workspace_lock


@dataclass(frozen=True, slots=True)
class NoteEdit:
    """What changes: `desc` "" takes the description away; labels and facts are added, then removed."""

    desc: str | None = None
    add_labels: tuple[str, ...] = ()
    remove_labels: tuple[str, ...] = ()
    set_meta: Mapping[str, object] = field(default_factory=dict)
    unset_meta: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tells whether nothing changes."""
        return self == NoteEdit()


@dataclass(frozen=True, slots=True)
class Notes:
    """What stands on the pointer of `path` now, where its data comes from, and whether it is frozen.

    `changed_files` are those of ours that Git should commit.
    """

    path: str
    desc: str | None
    labels: tuple[str, ...]
    meta: Mapping[str, object]
    source: Mapping[str, object] | None
    frozen: bool
    changed_files: tuple[str, ...]


def note(repo: Repo, path: str, edit: NoteEdit | None = None) -> Notes:
    """Changes the notes on the pointer of `path` and gives them; without an edit only looks.

    Raises `UsageError` for a path that has no pointer of its own, and for a label or fact that is not there to remove.
    """
    edit = edit or NoteEdit()
    if edit.is_empty:
        return _notes(path, _pointer(repo, path), ())
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        old = _pointer(repo, path)
        new = _edited(old, edit, path)
        files = write_pointers(repo, open_trash(repo), "note", [PointerChange(path, old, new)])
    return _notes(path, new, files)


def _pointer(repo: Repo, path: str) -> Pointer:
    if not path:
        raise UsageError("the whole project has no pointer to write notes on", "name tracked data: `dvcx ls`")
    (target, *more) = resolve_targets(workspace_manifest(repo.root, repo.git), [path])
    if more or target.path != path or target.inner:
        raise UsageError(
            f"{path} has no pointer of its own", f"notes stand on {pointer_path(target.output)}: name {target.output}"
        )
    return target.pointer


def _edited(old: Pointer, edit: NoteEdit, path: str) -> Pointer:
    for name in (*edit.remove_labels, *edit.unset_meta):
        if name not in old.labels and name not in old.meta:
            raise UsageError(f"{path} has no {name!r} to take away", f"see what it has: `dvcx note {path}`")
    labels = [label for label in dict.fromkeys((*old.labels, *edit.add_labels)) if label not in edit.remove_labels]
    meta = {key: value for key, value in {**old.meta, **edit.set_meta}.items() if key not in edit.unset_meta}
    desc = old.desc if edit.desc is None else edit.desc or None
    return replace(old, desc=desc, labels=tuple(labels), meta=meta)


def _notes(path: str, pointer: Pointer, files: tuple[str, ...]) -> Notes:
    return Notes(path, pointer.desc, pointer.labels, pointer.meta, pointer.source, pointer.frozen, files)
