"""Tracked data that stages depend on and that was edited and not added: a record names what only we have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dvcx.manifest.manifest import Manifest
from dvcx.manifest.trees import LoadTree
from dvcx.model.run_record import RunRecord
from dvcx.model.stage import DepKind, Stage
from dvcx.operations.stage_outputs import flat
from dvcx.operations.stage_view import StageView, entry_of_recorded, tracked_entry
from dvcx.operations.status import state_of
from dvcx.operations.targets import Target, outermost
from dvcx.pipeline.current import project_path_of
from dvcx.repo.record import Repo
from dvcx.storage.cache import Cache
from dvcx.workspace.state import State


@dataclass(frozen=True, slots=True)
class Looker:
    """What it takes to compare tracked data with its pointers."""

    repo: Repo
    manifest: Manifest
    cache: Cache
    state: State
    load: LoadTree

    def is_edited(self, path: str) -> bool:
        """Tells whether tracked data was edited here: what a checkout has yet to bring is stored where it came from."""
        owner = self.manifest.owner_of(path)
        assert owner is not None
        inner = tuple(path[len(owner) + 1 :].split("/")) if path != owner else ()
        target = Target(owner, self.manifest.pointers[owner], inner)
        return state_of(self.repo, target, self.cache, self.state, self.load).state == "changed"


def edited_inputs(view: StageView, stages: Iterable[Stage]) -> tuple[str, ...]:
    """Gives the tracked paths that `stages` depend on and that were edited and not added, sorted.

    Of a tracked folder of which stages need a part only that part counts. What stages make is not among them: it is
    stored when it is recorded; nor is frozen data, which `add` refuses. Raises `OSError` for what cannot be read.
    """
    looker = Looker(view.repo, view.manifest, view.cache, view.state, view.load)
    wanted = {path for stage in stages for path in _inputs(view, stage)}
    tracked = [path for path in _tracked(view.manifest, wanted) if not _is_frozen(view.manifest, path)]
    differing = [path for path in tracked if _differs(view, path)]
    return tuple(sorted(path for path in outermost(differing) if looker.is_edited(path)))


def unsaved_inputs(looker: Looker, runs: Iterable[tuple[str, RunRecord]]) -> tuple[str, ...]:
    """Gives the tracked paths whose data `runs` saw and that now differs from its pointer, sorted; each run comes with
    the project folder of its `dvcx.lock`.

    What stages make is not among them. Raises `OSError` for what cannot be read.
    """
    seen = [
        (project_path_of(folder, dep.text), dep)
        for folder, record in runs
        for dep in flat(record.deps)
        if dep.id is not None and not dep.text.startswith("/")
    ]
    manifest = looker.manifest
    found = set(_below(manifest, {path for path, _ in seen}))
    for path, dep in seen:
        owner = _owner(manifest, path)
        if owner is not None and owner not in found:
            said = tracked_entry(manifest, path, looker.load)
            if said is None or not entry_of_recorded(dep).same_content(said):
                found.add(owner)
    return tuple(path for path in sorted(found) if looker.is_edited(path))


def _inputs(view: StageView, stage: Stage) -> Iterator[str]:
    for dep in stage.deps if not stage.frozen else ():
        if dep.kind is DepKind.FILE:
            yield from view.sources.matching(dep.path) if dep.is_pattern else (dep.path,)


def _is_frozen(manifest: Manifest, path: str) -> bool:
    owner = manifest.owner_of(path)
    return owner is not None and manifest.pointers[owner].frozen


def _differs(view: StageView, path: str) -> bool:
    here, said = view.sources.entry(path), view.sources.tracked(path)
    return here is not None and (said is None or not here.same_content(said))


def _tracked(manifest: Manifest, paths: set[str]) -> set[str]:
    """Gives those of `paths` that pointers track, and what pointers track below them."""
    return {*(path for path in paths if _owner(manifest, path) is not None), *_below(manifest, paths)}


def _owner(manifest: Manifest, path: str) -> str | None:
    owner = manifest.owner_of(path)
    return owner if owner is not None and manifest.pointers[owner].stage is None else None


def _below(manifest: Manifest, paths: set[str]) -> Iterator[str]:
    """Gives what pointers track below one of `paths`; looked for from below, since there may be thousands of both."""
    for tracked, pointer in manifest.pointers.items():
        above = tracked.rpartition("/")[0] if pointer.stage is None else ""
        while above:
            if above in paths:
                yield tracked
                break
            above = above.rpartition("/")[0]
