"""What an export has to write and to remove: a pure comparison of what is wanted with what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dvcx.formats.export_manifest import ExportManifest, Wanted


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What an export will do.

    `writes` are new or changed files, `unchanged` those that are there. `doubtful` are files at wanted paths that no
    export wrote, of the right size: when their content is the right one too they are taken over. `foreign` are other
    files at wanted paths, or where a folder is needed: they stop the export. `deletes` are the export's own files that
    are wanted no more, `stale` those that stay because nobody asked to delete them, `changed` those that stay because
    somebody else changed them. `first` are the deletes that make room for writes.
    """

    writes: tuple[Wanted, ...]
    unchanged: tuple[Wanted, ...]
    doubtful: tuple[Wanted, ...]
    foreign: tuple[str, ...]
    deletes: tuple[str, ...]
    stale: tuple[str, ...]
    changed: tuple[str, ...]
    first: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that will be written."""
        return sum(each.size for each in self.writes)


def plan_export(
    wanted: Mapping[str, Wanted],
    manifest: ExportManifest | None,
    there: Mapping[str, int],
    within: Callable[[str], bool],
    *,
    delete: bool,
) -> ExportPlan:
    """Gives the plan for `wanted` files by path, when the place has `there` (sizes by path) and the manifest.

    `within` tells which paths the export is about: all others stay as they are, the export's own ones too.
    """
    known = dict(manifest.files) if manifest is not None else {}
    begun = frozenset(manifest.begun) if manifest is not None else frozenset()
    own = known.keys() | begun
    writes: list[Wanted] = []
    unchanged: list[Wanted] = []
    doubtful: list[Wanted] = []
    foreign = {path for path in _in_the_way(wanted, there) if path not in own}
    for path, each in wanted.items():
        held = there.get(path)
        if held is None:
            writes.append(each)
        elif path not in own:
            if held == each.size:
                doubtful.append(each)
            else:
                foreign.add(path)
        elif path not in begun and held == each.size and known[path] == each.exported:
            unchanged.append(each)
        else:
            writes.append(each)
    gone = sorted(path for path in own if path not in wanted and within(path) and path in there)
    room = {path for path in _in_the_way(wanted, there) if path in own}
    changed = [path for path in gone if path in known and path not in begun and there[path] != known[path].size]
    free = [path for path in gone if path not in set(changed)]
    return ExportPlan(
        writes=tuple(writes),
        unchanged=tuple(unchanged),
        doubtful=tuple(doubtful),
        foreign=tuple(sorted(foreign | room.intersection(changed))),
        deletes=tuple(free) if delete else tuple(path for path in free if path in room),
        stale=() if delete else tuple(path for path in free if path not in room),
        changed=tuple(changed),
        first=tuple(path for path in free if path in room),
    )


def _in_the_way(wanted: Mapping[str, Wanted], there: Mapping[str, int]) -> Iterator[str]:
    """Gives the files that are there where a folder is needed, or in a folder where a file is."""
    folders = {folder for path in wanted for folder in _above(path)}
    for path in there:
        if path in folders or any(folder in wanted for folder in _above(path)):
            yield path


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path
