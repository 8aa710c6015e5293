"""`dvcx freeze` and `dvcx unfreeze`: keep tracked data from changing by accident, and stages from running."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dvcx.base.errors import UsageError
from dvcx.manifest.manifest import workspace_manifest
from dvcx.operations.pointers import PointerChange, write_pointers
from dvcx.operations.targets import Target, resolve_targets
from dvcx.repo.record import Repo, open_trash, workspace_lock


@dataclass(frozen=True, slots=True)
class FreezeResult:
    """The tracked paths and stages that are frozen (or not, any more) now: those that changed, and those that were so.

    `frozen` is what they are; `changed_files` are those of ours that Git should take in.
    """

    frozen: bool
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    changed_files: tuple[str, ...]


def freeze(repo: Repo, paths: Sequence[str] = (), stages: Sequence[str] = ()) -> FreezeResult:
    """Freezes the data tracked at and below `paths`: from then on nothing changes its pointer without `--force`.

    Freezes `stages` (addresses, also of groups), and those that make one of `paths`: they do not run. Raises
    `UsageError` for paths that are not tracked, or lie inside a tracked folder, and `Refused` for a `dvcx.yaml` that
    cannot be edited.
    """
    return _set(repo, paths, stages, frozen=True)


def unfreeze(repo: Repo, paths: Sequence[str] = (), stages: Sequence[str] = ()) -> FreezeResult:
    """Does the opposite of `freeze`."""
    return _set(repo, paths, stages, frozen=False)


def stages_meant(repo: Repo, words: Sequence[str], folder: str) -> dict[str, str]:
    """Gives, by what was typed in the project folder `folder`, the addresses of the stages and groups among `words`."""
    if not workspace_manifest(repo.root, repo.git).pipelines:
        return {}
    from dvcx.operations.stage_edit import pipeline_with  # the YAML reader, which few projects need here

    pipeline = pipeline_with(repo, {})
    found: dict[str, str] = {}
    for word in words:
        for address in (f"{folder}/dvcx.yaml:{word}" if folder else word, word):
            if address in pipeline.groups or address in pipeline.stages:
                found.setdefault(word, address)
    return found


def _set(repo: Repo, paths: Sequence[str], stages: Sequence[str], *, frozen: bool) -> FreezeResult:
    verb = "freeze" if frozen else "unfreeze"
    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        targets = resolve_targets(workspace_manifest(repo.root, repo.git), paths) if paths or not stages else []
        # What stages make comes with its stage when it is named, and not with a folder around it.
        named = [each.pointer.stage for each in targets if each.pointer.stage is not None and each.output in paths]
        targets = [each for each in targets if each.pointer.stage is None]
        _refuse_inner(targets, verb)
        pointers = {target.output: target.pointer for target in targets}
        changes = [
            PointerChange(path, pointer, replace(pointer, frozen=frozen))
            for path, pointer in pointers.items()
            if pointer.frozen != frozen
        ]
        addresses = list(dict.fromkeys((*stages, *named)))
        texts = _pipeline_texts(repo, addresses, frozen=frozen) if addresses else {}
        files = write_pointers(repo, open_trash(repo), verb, changes)
        if any(texts.values()):
            from dvcx.operations.stage_edit import write_texts

            new = {repo.root / file: text for each in texts.values() for file, text in each.items()}
            files = tuple(sorted((*files, *write_texts(repo, verb, new))))
    changed = (*(change.path for change in changes), *(address for address, each in texts.items() if each))
    unchanged = (*(path for path in pointers if path not in changed), *(a for a, each in texts.items() if not each))
    return FreezeResult(frozen, changed, unchanged, files)


def _pipeline_texts(repo: Repo, addresses: Sequence[str], *, frozen: bool) -> dict[str, dict[str, str]]:
    """Gives, by stage, its pipeline file with its new text; nothing where the stage is so already."""
    from dvcx.operations.stage_edit import pipeline_with, read_text
    from dvcx.pipeline.edit import with_field

    pipeline = pipeline_with(repo, {})
    now: dict[str, str] = {}
    texts: dict[str, dict[str, str]] = {}
    for address in addresses:
        members = pipeline.groups.get(address, (address,))
        stage = pipeline.stages[members[0]]
        if stage.address == address and stage.group is not None:
            raise UsageError(
                f"{address} is generated from {stage.group}, and only all of that can be frozen",
                f"run `dvcx {'freeze' if frozen else 'unfreeze'} {stage.group}`",
            )
        texts[address] = {}
        if stage.frozen != frozen:
            name = address.rpartition(":")[2]
            text = with_field(
                now.get(stage.file) or read_text(repo, stage.file), stage.file, name, "frozen", frozen or None
            )
            now[stage.file] = text
            texts[address] = {stage.file: text}
    return {address: {file: now[file] for file in each} for address, each in texts.items()}


def _refuse_inner(targets: Sequence[Target], verb: str) -> None:
    for target in targets:
        if target.inner:
            raise UsageError(
                f"{target.path} lies inside the tracked folder {target.output}, which can be frozen only as a whole",
                f"run `dvcx {verb} {target.output}`, or move the file out first: "
                f"`dvcx move {target.path} {target.path.rpartition('/')[2]}`",
            )
