"""Following Git: after a checkout, merge or rebase the data becomes what the pointers say now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dvcx.base.errors import DvcxError, Refused
from dvcx.base.progress import SILENT, Progress
from dvcx.git.hook_scripts import FOLLOWED
from dvcx.git.location import GitLocation
from dvcx.git.process import ask_git
from dvcx.manifest.manifest import Manifest, workspace_manifest
from dvcx.operations.targets import Target
from dvcx.repo.record import Repo, open_state, workspace_lock


@dataclass(slots=True)
class Followed:
    """What followed: how many files were restored and how many left, and why some of it could not follow."""

    restored: int = 0
    removed: int = 0
    problems: list[DvcxError] = field(default_factory=list)


def same_pointers(git: GitLocation, old: str, new: str) -> bool:
    """Tells whether two commits (ids) have the same pointers and locks; False when one of them is not there."""
    if old == new:
        return True
    args = ["diff-tree", "-r", "--quiet", "--no-renames", "--end-of-options", old, new, "--", *FOLLOWED]
    return ask_git(git, args).code == 0


def follow(repo: Repo, progress: Progress = SILENT, *, tells_of_unfetched: bool = True) -> Followed:
    """Checks out the data whose pointers are not what was last put here; data that is tracked no more leaves.

    Nothing that nobody saved is replaced: that comes as a problem, and the other data follows all the same. What is not
    in the cache comes as one, too; without `tells_of_unfetched` only where some version of it was here before. Raises
    `Busy` when another dvcx is at work.
    """
    result = Followed()
    known = _baselines(repo)
    if not _differing(known, workspace_manifest(repo.root, repo.git)):
        return result
    # Most checkouts change no data, so what this imports is paid only when one does.
    from dvcx.operations.checkout import CheckoutOptions, checkout_targets

    with workspace_lock(repo).exclusive(repo.config.core.lock_timeout):
        known, manifest = _baselines(repo), workspace_manifest(repo.root, repo.git)
        differing = _differing(known, manifest)
        targets = [Target(path, manifest.pointers[path]) for path in differing if path in manifest.pointers]

        def restore(some: Sequence[Target], whole: Manifest | None) -> None:
            done = checkout_targets(repo, some, CheckoutOptions(), progress, whole=whole)
            for change in done.changes:
                if change.action == "delete":
                    result.removed += change.files
                else:
                    result.restored += change.files
            if not tells_of_unfetched:
                done = replace(done, missing=tuple(each for each in done.missing if manifest.owner_of(each) in known))
            problem = done.problem()
            result.problems += [problem] if problem is not None else []

        try:
            restore(targets, manifest)
        except Refused as error:
            if len(targets) < 2:
                result.problems.append(error)
                return result
            for target in targets:
                try:
                    restore([target], None)
                except Refused as refused:
                    result.problems.append(refused)
    return result


def _baselines(repo: Repo) -> dict[str, bytes]:
    """Gives the digest of what dvcx last put at each tracked path, or added from there."""
    state = open_state(repo)
    found = dict(state.baselines())
    state.close()
    return found


def _differing(known: Mapping[str, bytes], manifest: Manifest) -> list[str]:
    """Gives the tracked paths whose pointer is not what is known to be there, and those tracked no more."""
    changed = [path for path, pointer in manifest.pointers.items() if known.get(path) != pointer.id.digest]
    return [*changed, *(path for path in known if path not in manifest.pointers)]
