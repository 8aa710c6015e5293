"""`dvcx config`: reading and changing the settings, level by level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from dvcx.base.errors import DvcxError, UsageError
from dvcx.base.locks import FileLock
from dvcx.config.edit import has_key, set_values, unset_value
from dvcx.config.files import ConfigFile, config_files
from dvcx.config.load import load_config, load_file
from dvcx.config.reading import entry_of, list_entries, shown
from dvcx.config.schema import Config, ConfigEntry, Level
from dvcx.config.settings import SETTINGS, ConfigValue
from dvcx.operations.remote_options import check_option, unknown_default
from dvcx.repo.open import PROJECT_FOLDER, wire
from dvcx.repo.record import Repo

DEFAULT_REMOTE = "core.remote"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its key, its value (secrets as stars; None: not set), and where that comes from.

    `level` is `default`, `global`, `project`, `local` or `environment`; `where` its file or variable.
    """

    key: str
    value: ConfigValue | None
    level: str
    where: str


@dataclass(frozen=True, slots=True)
class SettingChange:
    """What was changed in which file; `value` is None when the setting was removed, stars for a secret.

    `notes` are what the user should know, such as that the remote is not set up.
    """

    key: str
    value: ConfigValue | None
    level: str
    file: str
    notes: tuple[str, ...] = ()


class Settings:
    """The settings that are in force in a project, or outside of any (`repo` None), and their files.

    `environ` says where the user's own file is, and may override settings.
    """

    def __init__(self, repo: Repo | None, environ: Mapping[str, str]) -> None:
        self._repo = repo
        self._folder = repo.root / PROJECT_FOLDER if repo is not None else None
        self._environ = environ

    def config(self, level: Level | None = None) -> Config:
        """Gives all that is in force, or what the file of one level says; raises as `load_config` does."""
        if level is None:
            return self._repo.config if self._repo is not None else load_config(None, self._environ)
        return load_file(self.file(level), self._folder, self._environ)

    def reread(self) -> Repo:
        """Gives the project with the settings as they are now; only for a project."""
        assert self._repo is not None
        return wire(self._repo.root, self._repo.git, self._environ)

    def file(self, level: Level) -> ConfigFile:
        """Gives the file of a level. Raises `UsageError` outside of a project, `DvcxError` when HOME is not set."""
        files = config_files(self._folder, self._environ)
        if level in files:
            return files[level]
        if level is Level.GLOBAL:
            raise DvcxError("there is no place for your own configuration: HOME is not set", "set HOME")
        raise UsageError("there is no dvcx project here to configure", "add `--global` for all of your projects")

    def files_with(self, key: str, level: Level | None) -> list[ConfigFile]:
        """Gives the files that have that key or section: of one level, or of the project's own two."""
        levels = (Level.PROJECT, Level.LOCAL) if level is None else (level,)
        return [file for each in levels if has_key(file := self.file(each), key)]

    @contextmanager
    def editing(self, file: ConfigFile) -> Iterator[None]:
        """Keeps other processes from changing the same file meanwhile. Raises `Busy`."""
        if file.level is Level.GLOBAL or self._repo is None:
            lock = file.path.with_name(f"{file.path.name}.lock")
        else:
            lock = self._repo.worktree_dir / "config.lock"
        with FileLock(lock, f"the configuration {file.path}").exclusive(self.config().core.lock_timeout):
            yield


def list_settings(settings: Settings, level: Level | None = None, *, with_defaults: bool = False) -> list[Setting]:
    """Gives the settings that are set, sorted by key: those in force, or those in the file of one level.

    With `with_defaults` all that are in force, those that nobody set too; a file has no defaults.
    """
    entries = list_entries(settings.config(level), with_defaults=with_defaults and level is None)
    return [_setting(entry) for entry in entries]


def get_setting(settings: Settings, key: str, level: Level | None = None) -> Setting:
    """Gives a setting with the value in force, a default too, or with the one that the file of a level has.

    Raises `UsageError` for a key that dvcx does not have.
    """
    config = settings.config(level)
    entry = entry_of(config, key)
    if entry is None or (level is not None and entry.origin.level is Level.DEFAULT):
        return Setting(key, None, "", "")
    return _setting(entry)


def set_setting(settings: Settings, key: str, text: str, level: Level | None = None) -> SettingChange:
    """Sets a key to what `text` means, in the project's tracked file unless another level is named.

    Raises as `set_values` does, and `UsageError` for what was settled when the project was made.
    """
    _check_changeable(key)
    check_option(settings.config(), key, text)
    file = settings.file(level or Level.PROJECT)
    with settings.editing(file):
        set_values(file, {key: text}, settings.config())
        value = get_setting(settings, key, file.level).value
        # Your own file may name a remote that only some projects have.
        notes = unknown_default(settings.config(), text) if key == DEFAULT_REMOTE and file.level != Level.GLOBAL else ()
    return SettingChange(key, value, file.level, str(file.path), notes)


def unset_setting(settings: Settings, key: str, level: Level | None = None) -> SettingChange:
    """Removes a key from the project's tracked file, or that of another level. Raises `UsageError` when not there."""
    _check_changeable(key)
    file = settings.file(level or Level.PROJECT)
    with settings.editing(file):
        unset_value(file, key)
    return SettingChange(key, None, file.level, str(file.path))


def _check_changeable(key: str) -> None:
    if key in SETTINGS and SETTINGS[key].project_only:
        raise UsageError(
            f"{key} was settled when the project was made and cannot change: all its data goes by it",
            "a new project can have another: `dvcx init --hash`" if key == "core.hash" else None,
        )


def _setting(entry: ConfigEntry) -> Setting:
    visible = shown(entry)
    return Setting(visible.key, visible.value, visible.origin.level, visible.origin.where)
