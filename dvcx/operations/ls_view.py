"""Listing what a view holds: any revision of this or another project, in the form of `dvcx ls`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dvcx.base.errors import DvcxError, MissingData
from dvcx.operations.ls import Lister, Listing, LsOptions, broken_below, targets_at
from dvcx.operations.targets import NotTracked
from dvcx.operations.view import View, ViewOptions
from dvcx.repo.foreign import open_foreign


def list_view(view: View, path: str, *, recursive: bool, revision: str | None = None) -> Listing:
    """Lists what is tracked at `path` in a view; `revision` is how people named it.

    Listings that are not here come from the remote. Raises `UsageError` where nothing is tracked, `MissingData` when
    it is not known what the folder `path` holds.
    """
    try:
        targets = targets_at(view.manifest, path, empty_is_fine=not path)
    except NotTracked:
        raise view.not_tracked(path) from None
    if recursive:
        nodes = [view.find(target.path) for target in targets]
        view.fetch_trees([node for node in nodes if node is not None and node.entry.is_folder])
    lister = Lister(view.repo.algorithm, view.manifest, view.tree, view.ls_command)
    try:
        if recursive:
            entries = [each for target in targets for each in lister.all_below(target)]
        else:
            entries = lister.one_level(path, targets)
    except MissingData as error:
        why = _why_unread(view)
        raise MissingData(
            f"what {path} of {view.source.url} holds is not known: {why.message}", why.hint, [path]
        ) from error
    hint = _why_unread(view).hint if lister.unread else None
    return Listing(path, revision, tuple(entries), tuple(lister.unread), broken_below(view.manifest, path), hint)


def _why_unread(view: View) -> DvcxError:
    """Gives the error of listings that a view could not get."""
    try:
        remote = view.remote()
    except DvcxError as error:
        return error
    return MissingData(
        f"its listing is neither in that project's cache nor on {remote.label}", "run `dvcx push` where it was added"
    )


def list_foreign(source: str, path: str, directory: Path, environ: Mapping[str, str], options: LsOptions) -> Listing:
    """Lists what another project tracks at `path`; raises as `list_view` and `open_foreign`."""
    path = path.strip("/")
    view = View(open_foreign(source, options.revision, directory, environ, path), ViewOptions(options.remote))
    return list_view(view, view.source.path, recursive=options.recursive, revision=options.revision)
