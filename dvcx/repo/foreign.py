"""Another project as a source of data: one in a folder here, or one behind the address of a Git repository.

Nothing is written into it. Of a repository elsewhere only Git's objects are read, through a mirror of our own: its
hooks, scripts and Git configuration never come here, and its tracked configuration decides no more than where its data
lies. What could send the user's own credentials to another place (an endpoint, a proxy) is taken only from the user's
own configuration, for a remote with the same URL.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from dvcx.base.errors import DvcxError, Refused, UsageError
from dvcx.base.hashing import algorithm_named
from dvcx.config.load import load_config, load_text
from dvcx.config.schema import Config, RemoteConfig
from dvcx.git.files import list_tree
from dvcx.git.location import GitLocation, find_git
from dvcx.git.mirrors import Mirror, fetch_blobs, fetch_commit, is_git_url, open_mirror
from dvcx.git.objects import ObjectReader
from dvcx.git.revisions import resolve
from dvcx.model.pointer import SUFFIX
from dvcx.model.stage import LOCK_FILE
from dvcx.repo.no_project import no_project_at, no_project_in
from dvcx.repo.open import CONFIG_FILE, PROJECT_FOLDER, find_project, open_repo_if_any
from dvcx.repo.record import Repo

_CONFIG = f"{PROJECT_FOLDER}/{CONFIG_FILE}"
_MOST_CONFIG = 1 << 20
_SCHEMES = frozenset(
    {
        *("file", "local", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "hf", "hdfs", "webhdfs"),
        *("http", "https", "webdav", "webdavs", "sftp", "ssh", "ftp"),
    }
)
_HARMLESS_OPTIONS = frozenset({"anon", "region", "requester_pays", "version_aware"})


@dataclass(frozen=True, slots=True)
class Foreign:
    """A project to read from: its record, as `commit` has it, and how it was named.

    `url` is what a pointer remembers: an address, or an absolute path. `refused` are the remotes that its configuration
    names but that are not used, each with why. `is_mirror` tells that it is elsewhere. `path` is what was asked for
    inside the repository, relative to the project. `is_own` tells that it is the user's own, which nobody had to name.
    `revision` is how the commit was named, if it was.
    """

    repo: Repo
    commit: str | None
    url: str
    is_mirror: bool
    path: str = ""
    is_own: bool = False
    revision: str | None = None
    refused: Mapping[str, str] = field(default_factory=dict)


def mirrors_folder(environ: Mapping[str, str]) -> Path:
    """Gives the folder for mirrors of repositories elsewhere: a cache of the user's, which may be deleted any time."""
    base = environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        home = environ.get("HOME")
        if not home:
            raise DvcxError("neither HOME nor XDG_CACHE_HOME is set, so there is no place for mirrors", "set one")
        base = f"{home}/.cache"
    return Path(base) / "dvcx" / "repositories"


def open_foreign(
    source: str, revision: str | None, directory: Path, environ: Mapping[str, str], inside: str = ""
) -> Foreign:
    """Opens the project `source`, a folder (relative to `directory`) or an address, at `revision` (None: its HEAD).

    `inside` is a path there: it chooses the project in a repository that has several. Raises `UsageError` when there is
    no project, `NoSuchRevision`, and `RemoteError` when the repository cannot be reached.
    """
    own = _own_config(directory, environ)
    if is_git_url(source) and not (directory / source).exists():
        mirror = open_mirror(source, mirrors_folder(environ))
        commit = fetch_commit(mirror, revision)
        found = _from_objects(mirror.location, commit, source, mirror.folder, inside, own, mirror)
        return replace(found, revision=revision)
    folder = Path(os.path.realpath(directory / source))
    if not folder.is_dir():
        raise UsageError(
            f"{source} is neither a folder nor the address of a Git repository",
            "write a folder, or an address such as https://host/team/project.git",
        )
    clean = {name: value for name, value in environ.items() if not name.startswith(("DVCX_", "GIT_"))}
    if _is_bare(folder):
        git = find_git(folder, clean)
        if git is not None:
            where = mirrors_folder(environ) / f"bare-{folder.name}"
            commit = resolve(git, revision or "HEAD", str(folder))
            found = _from_objects(git, commit, str(folder), where, inside, own, None)
            return replace(found, revision=revision)
    nearest, rest = _nearest_project(folder, inside)
    repo = open_repo_if_any(nearest, clean)
    if repo is None:
        raise no_project_in(folder, source)
    inside = rest if nearest != folder else inside
    if repo.git is None:
        if revision is not None:
            raise UsageError(f"{source} was made with --no-git, so it has no revision {revision}", "leave --rev away")
        return Foreign(repo, None, str(folder), is_mirror=False, path=inside)
    commit = resolve(repo.git, revision or "HEAD", str(folder))
    return Foreign(repo, commit, str(folder), is_mirror=False, path=inside, revision=revision)


def _nearest_project(folder: Path, inside: str) -> tuple[Path, str]:
    """Gives the innermost project on the way from `folder` to the path `inside`, and the rest of the way."""
    parts = inside.split("/") if inside else []
    for count in range(len(parts) - 1, 0, -1):
        nearest = folder.joinpath(*parts[:count])
        if ".." not in parts and (nearest / PROJECT_FOLDER / CONFIG_FILE).is_file() and not nearest.is_symlink():
            return nearest, "/".join(parts[count:])
    return folder, inside


def own_project(repo: Repo, revision: str | None, named: str | None = None) -> Foreign:
    """Gives a project in the same form, at `revision`; None: the workspace.

    `named` is the folder by which somebody named it who is perhaps not in it.
    """
    commit = None
    if revision is not None:
        if repo.git is None:
            raise UsageError("this project was made with --no-git, so it has no revisions", "leave the revision away")
        commit = resolve(repo.git, revision, named)
    return Foreign(repo, commit, str(repo.root), is_mirror=False, is_own=named is None, revision=revision)


def _from_objects(
    git: GitLocation, commit: str, url: str, folder: Path, inside: str, own: Config, mirror: Mirror | None
) -> Foreign:
    files = list_tree(git, commit, also=_CONFIG)
    configs = {f.path.removesuffix(_CONFIG).rstrip("/"): f.oid for f in files if f.path.endswith(_CONFIG)}
    holding = [prefix for prefix in configs if not prefix or inside == prefix or inside.startswith(f"{prefix}/")]
    if not holding:
        raise no_project_at(git, commit, url, sorted(configs))
    prefix = max(holding, key=len)
    if mirror is not None:
        pointers = [f.oid for f in files if f.path.endswith((SUFFIX, LOCK_FILE)) and f.is_regular]
        fetch_blobs(mirror, [*pointers, configs[prefix]])
    with ObjectReader(git, _MOST_CONFIG) as reader:
        text = reader.read(configs[prefix])
    where = f"{prefix}/{_CONFIG}" if prefix else _CONFIG
    config = load_text((text or b"").decode("utf-8", "replace"), f"{where} of {url}", _root_of(url, prefix))
    config, refused = _with_safe_remotes(config, own)
    base = folder / prefix.replace("%", "%25").replace("/", "%2F") if prefix else folder
    return Foreign(
        Repo(
            root=git.git_dir,
            git=git,
            prefix=prefix,
            config=config,
            algorithm=algorithm_named(config.core.hash),
            common_dir=base / "dvcx",
            worktree_dir=base / "dvcx",
            cache_dir=_cache_beside(git, mirror) or base / "dvcx" / "cache",
        ),
        commit,
        url,
        is_mirror=mirror is not None,
        path=inside[len(prefix) + 1 :] if prefix else inside,
        refused=refused,
    )


def _cache_beside(git: GitLocation, mirror: Mirror | None) -> Path | None:
    cache = git.common_dir / "dvcx" / "cache"
    return cache if mirror is None and cache.is_dir() else None


def _root_of(url: str, prefix: str) -> Path | None:
    """Gives the folder of a project whose repository is on this machine: relative remotes start there."""
    if "://" not in url:
        return Path(url) / prefix if os.path.isabs(url) else None
    parts = urlsplit(url)
    return Path(unquote(parts.path)) / prefix if parts.scheme.lower() == "file" else None


def _own_config(directory: Path, environ: Mapping[str, str]) -> Config:
    """Gives the user's own settings: those of the project around `directory` if there is one, else the global ones."""
    root = find_project(directory, find_git(directory, environ))
    return load_config(None if root is None else root / PROJECT_FOLDER, environ)


def _with_safe_remotes(config: Config, own: Config) -> tuple[Config, dict[str, str]]:
    mine = {remote.url: remote for remote in own.remotes.values()}
    remotes: dict[str, RemoteConfig] = {}
    refused: dict[str, str] = {}
    for name, remote in config.remotes.items():
        scheme = remote.url.partition("://")[0].lower() if "://" in remote.url else "file"
        unsafe = sorted(set(remote.options) - _HARMLESS_OPTIONS)
        if remote.url in mine:
            remotes[name] = replace(remote, options=mine[remote.url].options)
        elif "::" in remote.url or scheme not in _SCHEMES:
            refused[name] = f"its URL is of a kind that is not used on another's word ({scheme})"
        elif unsafe:
            refused[name] = f"it sets {', '.join(unsafe)}, which could lead your credentials elsewhere"
        else:
            remotes[name] = remote
    for warning in config.warnings:
        name = warning.partition("remote.")[2].partition(".")[0]
        if name and name not in remotes:
            refused.setdefault(name, warning)
    return replace(config, remotes=MappingProxyType(remotes)), refused


def check_remote(foreign: Foreign, name: str | None) -> None:
    """Raises `Refused` for a remote of another's configuration that is not used; the hint says what to do.

    Raises `UsageError` for a `name` that it does not have.
    """
    chosen = name or foreign.repo.config.core.remote
    if chosen is None and not foreign.repo.config.remotes and foreign.refused:
        chosen = next(iter(foreign.refused))
    known = foreign.repo.config.remotes
    if name is not None and name not in known and name not in foreign.refused:
        raise UsageError(
            f"there is no remote called {name} in {foreign.url}",
            f"it has {', '.join(sorted(known))}" if known else "it has none: leave --remote away",
        )
    if chosen is not None and chosen in foreign.refused:
        raise Refused(
            f'the remote "{chosen}" of {foreign.url} is not used: {foreign.refused[chosen]}',
            "if you trust it, set up a remote with the same URL and these options yourself: "
            "`dvcx remote add NAME URL`, `dvcx remote modify NAME OPTION VALUE`",
            [chosen],
        )


def _is_bare(folder: Path) -> bool:
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()
