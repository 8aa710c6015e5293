"""Tracked data that stages ran with and that was edited and not added: a record names what only we have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dvcx.model.stage import Stage
from dvcx.operations.stage_outputs import flat
from dvcx.operations.stage_view import StageView, entry_of_recorded, tracked_entry
from dvcx.operations.status import state_of
from dvcx.operations.targets import Target
from dvcx.pipeline.current import project_path_of


def unsaved_inputs(view: StageView, stages: Iterable[Stage]) -> tuple[str, ...]:
    """Gives the tracked paths whose data the last runs of `stages` saw and that now differs from its pointer, sorted.

    What stages make is not among them: it is stored when it is recorded. Raises `OSError` for what cannot be read.
    """
    seen = {path for stage in stages for path in _seen_otherwise(view, stage)}
    return tuple(path for path in sorted(seen) if _is_edited(view, path))


def _seen_otherwise(view: StageView, stage: Stage) -> Iterator[str]:
    """Gives the tracked paths that the last run may have seen with other contents than the pointers say."""
    record = view.locks.record(stage)
    pointers = view.manifest.pointers
    for dep in flat(record.deps) if record is not None else ():
        if dep.id is None or dep.text.startswith("/"):
            continue
        path = project_path_of(stage.folder, dep.text)
        owner = view.manifest.owner_of(path)
        if owner is None:
            yield from (inner for inner in view.manifest.below(path) if pointers[inner].stage is None)
        elif pointers[owner].stage is None:
            said = tracked_entry(view.manifest, path, view.load)
            if said is None or not entry_of_recorded(dep).same_content(said):
                yield owner


def _is_edited(view: StageView, path: str) -> bool:
    """Tells whether it is data that was edited here: what a checkout has yet to bring is stored where it came from."""
    target = Target(path, view.manifest.pointers[path])
    return state_of(view.repo, target, view.cache, view.state, view.load).state == "changed"
