"""`dvcx remote ...`: which remotes there are, and changing that, so that name, default and local copies agree."""

from __future__ import annotations

import difflib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dvcx.base.errors import UsageError
from dvcx.config.aliases import alias_base
from dvcx.config.edit import has_key, remove_section, rename_section, set_values, unset_value
from dvcx.config.files import ConfigFile
from dvcx.config.keys import join_key
from dvcx.config.reading import entry_of, shown
from dvcx.config.schema import ConfigEntry, Level
from dvcx.config.settings import REMOTE_NAME, REMOTE_SETTINGS, ConfigValue
from dvcx.operations.remote_options import check_option, meant_remote
from dvcx.operations.settings import DEFAULT_REMOTE, Settings
from dvcx.repo.record import Repo
from dvcx.storage.key_memory import key_memory
from dvcx.storage.open_bucket import folder_of
from dvcx.storage.url_check import check_url


@dataclass(frozen=True, slots=True)
class RemoteInfo:
    """One remote: its URL and settings as they may be shown (secrets as stars), and where it is set up."""

    name: str
    url: str
    default: bool
    level: str
    where: str
    settings: Mapping[str, ConfigValue]


@dataclass(frozen=True, slots=True)
class RemoteChange:
    """What a change of the remotes did.

    `url` as it may be shown, None when the remote is gone; `default` the name of the default remote now. `files` are
    those that changed, `tracked` says whether one of them is the project's own that Git tracks. `notes` are what the
    user should know.
    """

    name: str
    url: str | None
    default: str | None
    files: tuple[str, ...]
    tracked: bool
    notes: tuple[str, ...] = ()


def list_remotes(repo: Repo) -> list[RemoteInfo]:
    """Gives the remotes in force, sorted by name."""
    return [_info(repo, name) for name in sorted(repo.config.remotes)]


def add_remote(
    repo: Repo, settings: Settings, name: str, place: str, directory: Path, *, level: Level, default: bool, force: bool
) -> RemoteChange:
    """Sets up the remote `name` at `place`: a folder, relative to `directory` or absolute, or a URL.

    Nothing is made there. With `force` a remote of that name in the same file is replaced. Raises `UsageError` for a
    name or URL that cannot be and for a name in use, `Refused` for a password in a tracked file.
    """
    check_remote_name(name)
    file = settings.file(level)
    section = join_key(("remote", name))
    notes = _checked_place(repo, name, place)
    with settings.editing(file):
        exists = has_key(file, section)
        if exists and not force:
            raise UsageError(
                f"there is a remote called {name} already, at {_info(repo, name).url}",
                f"`dvcx remote modify {name} url URL` moves it; `--force` replaces it",
            )
        texts = {f"{section}.url": _stored_place(repo, place, directory, level=level)}
        if default:
            texts[DEFAULT_REMOTE] = name
        set_values(file, texts, repo.config)
        if exists:
            _keep_only_url(settings, file, name)
        forget_copies(repo, name)
    return _changed(settings, name, [file], notes, moved=True)


def modify_remote(
    repo: Repo, settings: Settings, name: str, option: str, text: str | None, directory: Path, *, level: Level | None
) -> RemoteChange:
    """Sets an option of a remote, or with None for `text` removes it: in the file that has the remote's URL, or in
    that of another `level`.

    Secrets are tied to the present address of the remote. Raises `UsageError` for an unknown remote, and as
    `set_values` and `unset_value` do.
    """
    check_known_remote(repo, name)
    if text is not None:
        _check_has_option(repo, name, option)
    file = settings.file(level or _level_of(repo, name))
    key = f"{join_key(('remote', name))}.{option}"
    is_move = option == "url"
    notes = _checked_place(repo, name, text) if is_move and text is not None else ()
    if text is not None:
        check_option(repo.config, key, text)
    with settings.editing(file):
        if text is None:
            unset_value(file, key)
        else:
            set_values(
                file, {key: _stored_place(repo, text, directory, level=file.level) if is_move else text}, repo.config
            )
        if is_move:
            forget_copies(repo, name)
    return _changed(settings, name, [file], notes, moved=is_move)


def _check_has_option(repo: Repo, name: str, option: str) -> None:
    """Raises `UsageError` for an option of a folder that no folder has; that of other stores is up to their library."""
    if option not in REMOTE_SETTINGS and folder_of(repo.config.remotes[name].url, repo.root) is not None:
        close = difflib.get_close_matches(option, REMOTE_SETTINGS, 1)
        known = f"it has {', '.join(REMOTE_SETTINGS)}"
        raise UsageError(
            f"{name} is a folder, and a folder remote has no option {option!r}",
            f"did you mean {close[0]}?" if close else known,
        )


def remove_remote(repo: Repo, settings: Settings, name: str, *, level: Level | None) -> RemoteChange:
    """Takes a remote out of the project's files, or that of a `level`; what it stores stays. It is no default any more.

    Raises `UsageError` when it is not set up there.
    """
    check_known_remote(repo, name)
    files = _files_of(repo, settings, name, level)
    for file in files:
        with settings.editing(file):
            remove_section(file, join_key(("remote", name)))
    default = _settle_default(settings, name, None, level)
    forget_copies(repo, name)
    return _changed(settings, name, [*files, *default])


def rename_remote(repo: Repo, settings: Settings, old: str, new: str, *, level: Level | None) -> RemoteChange:
    """Renames a remote in the project's files, or that of a `level`; it stays the default when it is.

    Raises `UsageError` when `old` is not set up there, or `new` is in use or cannot be a name.
    """
    check_known_remote(repo, old)
    check_remote_name(new)
    if new in repo.config.remotes:
        raise UsageError(f"there is a remote called {new} already", f"remove it first: `dvcx remote remove {new}`")
    files = _files_of(repo, settings, old, level)
    for file in files:
        with settings.editing(file):
            rename_section(file, join_key(("remote", old)), join_key(("remote", new)))
    default = _settle_default(settings, old, new, level)
    forget_copies(repo, new)
    if _copies(repo, old).is_dir():
        _copies(repo, old).rename(_copies(repo, new))
    if key_memory(repo.common_dir, old).is_file():
        key_memory(repo.common_dir, old).replace(key_memory(repo.common_dir, new))
    return _changed(settings, new, [*files, *default])


def set_default_remote(repo: Repo, settings: Settings, name: str | None, *, level: Level) -> RemoteChange:
    """Makes `name` the default remote in the file of a `level`; None removes what that file says.

    Raises `UsageError` for an unknown remote, and when there is nothing to remove.
    """
    file = settings.file(level)
    if name is not None:
        check_known_remote(repo, name)
    with settings.editing(file):
        if name is None:
            unset_value(file, DEFAULT_REMOTE)
        else:
            set_values(file, {DEFAULT_REMOTE: name})
    return _changed(settings, name or "", [file])


def check_remote_name(name: str) -> None:
    """Raises `UsageError` when no remote can have that name."""
    if not REMOTE_NAME.fullmatch(name):
        raise UsageError(
            f"a remote cannot be called {name[:80]!r}",
            "names are made of letters, digits, `-` and `_`, and begin with a letter or digit",
        )


def check_known_remote(repo: Repo, name: str) -> None:
    """Raises `UsageError`, with the name that may be meant, when there is no such remote."""
    if name in repo.config.remotes:
        return
    raise UsageError(f"there is no remote called {name}", meant_remote(repo.config, name))


def forget_copies(repo: Repo, name: str) -> None:
    """Drops what is kept here about a remote, which would not be true of another place under the same name."""
    shutil.rmtree(_copies(repo, name), ignore_errors=True)
    key_memory(repo.common_dir, name).unlink(missing_ok=True)


def _copies(repo: Repo, name: str) -> Path:
    return repo.common_dir / "index" / "remotes" / name


def _stored_place(repo: Repo, place: str, directory: Path, *, level: Level) -> str:
    """Gives a place as it is written down: a folder relative to the project root, for all projects absolute."""
    if "://" in place or place.startswith(("/", "~")) or re.match(r"[\w.-]+@[\w.-]+:", place):
        return place
    absolute = os.path.normpath(directory / place)
    return absolute if level is Level.GLOBAL else os.path.relpath(absolute, repo.root)


def _checked_place(repo: Repo, name: str, place: str) -> tuple[str, ...]:
    """Gives notes on what a remote at `place` lacks here. Raises `UsageError` when it cannot be there."""
    base = alias_base(place)
    if base is None and not place.startswith("remote://"):
        return check_url(place)
    if base == name:
        raise UsageError(f"the remote {name} cannot stand on itself", "name another: remote://NAME/FOLDER")
    check_known_remote(repo, base or "")
    return ()


def _files_of(repo: Repo, settings: Settings, name: str, level: Level | None) -> list[ConfigFile]:
    """Gives the files in which a remote is set up: of one level, or the project's own. Raises `UsageError` for none."""
    files = settings.files_with(join_key(("remote", name)), level)
    if files:
        return files
    info = _info(repo, name)
    hint = "add `--global`" if info.level == Level.GLOBAL else f"it is set up in {info.where}"
    raise UsageError(f"the remote {name} is not set up in the files of this project", hint)


def _settle_default(settings: Settings, old: str, new: str | None, level: Level | None) -> list[ConfigFile]:
    """Makes the default that was `old` the remote `new`, or none, if there is no `old` any more; gives what changed."""
    if old in settings.reread().config.remotes:
        return []
    levels = (Level.PROJECT, Level.LOCAL, *((Level.GLOBAL,) if level is Level.GLOBAL else ()))
    files = [file for each in levels for file in settings.files_with(DEFAULT_REMOTE, each)]
    changed = [file for file in files if settings.config(file.level).core.remote == old]
    for file in changed:
        with settings.editing(file):
            if new is None:
                unset_value(file, DEFAULT_REMOTE)
            else:
                set_values(file, {DEFAULT_REMOTE: new})
    return changed


def _keep_only_url(settings: Settings, file: ConfigFile, name: str) -> None:
    for key, entry in settings.config(file.level).entries.items():
        if key.startswith(f"{join_key(('remote', name))}.") and not key.endswith(".url"):
            unset_value(file, entry.key)


def _level_of(repo: Repo, name: str) -> Level:
    entry = entry_of(repo.config, f"{join_key(('remote', name))}.url")
    level = entry.origin.level if entry is not None else Level.PROJECT
    return Level.PROJECT if level is Level.ENVIRONMENT else level


def _info(repo: Repo, name: str) -> RemoteInfo:
    section = f"{join_key(('remote', name))}."
    found = {key.removeprefix(section): e for key, e in repo.config.entries.items() if key.startswith(section)}
    own = {key: shown(entry).value for key, entry in found.items() if key not in ("url", "secrets_for")}
    url: ConfigEntry | None = found.get("url")
    if url is None:
        return RemoteInfo(name, "an unknown place", False, "", "", own)
    is_default = repo.config.core.remote == name
    return RemoteInfo(name, str(shown(url).value), is_default, url.origin.level, url.origin.where, own)


def _changed(
    settings: Settings, name: str, files: list[ConfigFile], notes: tuple[str, ...] = (), *, moved: bool = False
) -> RemoteChange:
    now = settings.reread()
    remote = now.config.remotes.get(name)
    default = now.config.core.remote
    if remote is not None and moved:
        notes = (*notes, *_notes_on_folder(remote.url, now.root))
    if default is not None and default not in now.config.remotes:
        notes = (
            *notes,
            f"{now.config.entries[DEFAULT_REMOTE].origin.where} still names {default} as the default remote",
        )
    names = tuple(dict.fromkeys(str(file.path) for file in files))
    tracked = now.git is not None and any(file.level is Level.PROJECT for file in files)
    return RemoteChange(name, _info(now, name).url if remote is not None else None, default, names, tracked, notes)


def _notes_on_folder(place: str, root: Path) -> tuple[str, ...]:
    folder = folder_of(place, root)
    if folder is None or folder.is_dir() or folder.parent.is_dir():
        return ()
    return (f"{folder.parent} is not there: the first push fails until it is (is its disk or share mounted?)",)
