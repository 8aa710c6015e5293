"""Loading the configuration: defaults, then the global, the project's and the local file, then the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from dvcx.base.errors import DvcxError, Refused, UsageError
from dvcx.config.aliases import alias_base, build_order, placed_on
from dvcx.config.check import check_entry
from dvcx.config.environment import read_environment
from dvcx.config.files import ConfigFile, config_files, line_of, parse_toml, read_text
from dvcx.config.keys import join_key, meant, meant_remote_setting, meant_section, split_key
from dvcx.config.schema import (
    CacheConfig,
    Config,
    ConfigEntry,
    ConfigOrigin,
    CoreConfig,
    GitConfig,
    Level,
    ParsingConfig,
    RemoteConfig,
    ReproConfig,
    TrashConfig,
)
from dvcx.config.secrets import destination, secret_names
from dvcx.config.settings import FORMAT, REMOTE_SETTINGS, SECTIONS, BadSetting, ConfigValue

Entries = dict[tuple[str, ...], ConfigEntry]


@dataclass(frozen=True, slots=True)
class _Base:
    """Where relative paths start: the project root, and the home folder for "~"."""

    root: Path | None
    home: str | None


def load_config(project_dir: Path | None, environ: Mapping[str, str]) -> Config:
    """Gives the configuration of the project with the `.dvcx` folder `project_dir`, or outside of any project.

    Unknown keys of known sections are errors, since a mistyped setting must not be without effect; unknown sections
    are kept and named in `warnings`, since a later dvcx may have them. Raises `DamagedData` for a file that cannot be
    parsed, `Refused` for a newer format and for secrets or commands in the tracked file, `UsageError` for a bad
    variable, `DvcxError` for other bad settings; all name the file, most the line.
    """
    entries: Entries = {}
    warnings: list[str] = []
    base = _Base(None if project_dir is None else project_dir.parent, environ.get("HOME") or None)
    for file in config_files(project_dir, environ).values():
        _add_file(entries, warnings, file, base)
    names = {parts[1] for parts in entries if parts[0] == "remote"}
    for parts, value, variable in read_environment(environ, names, warnings):
        origin = ConfigOrigin(Level.ENVIRONMENT, variable)
        try:
            _add(entries, parts, value, origin, base)
        except BadSetting as problem:
            raise UsageError(f"the variable {variable}: {problem.problem}", problem.hint) from problem
    config = _built(entries, warnings)
    own = config_files(None, environ).get(Level.GLOBAL)
    return config if own is None else replace(config, own_folder=str(own.path.parent))


def load_file(file: ConfigFile, project_dir: Path | None, environ: Mapping[str, str]) -> Config:
    """Gives what one configuration file says by itself; raises as `load_config` does."""
    entries: Entries = {}
    warnings: list[str] = []
    base = _Base(None if project_dir is None else project_dir.parent, environ.get("HOME") or None)
    _add_file(entries, warnings, file, base)
    return _built(entries, warnings)


def load_text(text: str, where: str, root: Path | None) -> Config:
    """Gives what the tracked configuration of another repository says; relative folders start at its `root`.

    Without a root remotes in such folders are left out, as are those whose settings cannot be used: `warnings` say
    why. Raises as `load_config` does for the rest.
    """
    entries: Entries = {}
    warnings: list[str] = []
    file = ConfigFile(Path(where), Level.PROJECT)
    data = parse_toml(text, file.path)
    try:
        _check_format(data)
        for parts, value in _settings_in(data, file, warnings):
            if parts[0] in ("cache", "trash"):
                continue  # how the others store things on their machines
            try:
                _add(entries, parts, value, ConfigOrigin(Level.PROJECT, where), _Base(root, None))
            except BadSetting as problem:
                if parts[0] != "remote":
                    raise
                warnings.append(f"{where}: {problem.problem}")
    except BadSetting as problem:
        raise located(problem, file, text) from problem
    return _built(entries, warnings)


def _add_file(entries: Entries, warnings: list[str], file: ConfigFile, base: _Base) -> None:
    text = read_text(file.path)
    if not text.strip():
        return
    origin = ConfigOrigin(file.level, str(file.path))
    data = parse_toml(text, file.path)
    try:
        if file.level is Level.PROJECT:
            _check_format(data)
        for parts, value in _settings_in(data, file, warnings):
            _add(entries, parts, value, origin, base)
    except BadSetting as problem:
        raise located(problem, file, text) from problem


def located(problem: BadSetting, file: ConfigFile, text: str) -> DvcxError:
    """Gives the error for a bad setting in a file, with the line if it can be found in `text`."""
    line: int | None = None
    with suppress(UsageError):
        line = line_of(text, split_key(problem.key))
    where = f"{file.path} line {line}" if line else str(file.path)
    family = Refused if problem.unsafe else DvcxError
    return family(f"{where}: {problem.problem}", problem.hint)


def _check_format(data: Mapping[str, object]) -> None:
    # First of all: a newer format may well have other keys.
    core = data.get("core")
    found = core.get("format", FORMAT) if isinstance(core, dict) else FORMAT
    if isinstance(found, int) and not isinstance(found, bool) and found > FORMAT:
        raise BadSetting(
            "core.format",
            f"this project has format {found}, and this dvcx knows formats up to {FORMAT}",
            "install a newer dvcx: `pip install -U git-dvcx`",
            unsafe=True,
        )


def _settings_in(
    data: Mapping[str, object], file: ConfigFile, warnings: list[str]
) -> Iterator[tuple[tuple[str, ...], object]]:
    for section, table in data.items():
        if not isinstance(table, dict):
            hint = meant(section) or "settings stand below a [section]"
            raise BadSetting(section, f"{section} stands outside of a section", hint)
        if section in SECTIONS and section != "remote":
            yield from (((section, key), value) for key, value in table.items())
        elif section == "remote":
            yield from _remote_settings_in(table, file, warnings)
        else:
            near = meant_section(section)
            told = f"{file.path}: this dvcx has no section [{section}], so what it says is not used"
            warnings.append(f"{told}; {near}" if near else told)


def _remote_settings_in(
    remotes: Mapping[str, object], file: ConfigFile, warnings: list[str]
) -> Iterator[tuple[tuple[str, ...], object]]:
    for name, table in remotes.items():
        if not isinstance(table, dict):
            raise BadSetting(
                f"remote.{name}", f"remote.{name} is no table", f"write a section [remote.{name}] with url = ..."
            )
        for key, value in table.items():
            near = None if key in REMOTE_SETTINGS else meant_remote_setting(key)
            if near is not None:
                warnings.append(f"{file.path}: remote.{name}.{key} is passed on to fsspec; did you mean {near}?")
            yield ("remote", name, key), value


_PLACES = (("cache", "dir"), ("core", "identity_file"))


def _add(entries: Entries, parts: tuple[str, ...], value: object, origin: ConfigOrigin, base: _Base) -> None:
    checked = check_entry(parts, value, origin.level)
    is_place = parts in _PLACES or (parts[0] == "remote" and parts[2:] == ("url",))
    if is_place:
        checked = _absolute(parts, str(checked), origin.level, base)
    secret = parts[0] == "remote" and bool(secret_names(join_key(parts[2:]), checked))
    entries.pop(parts, None)  # so that the order is that of the levels
    entries[parts] = ConfigEntry(join_key(parts), checked, origin, secret)


def _absolute(parts: tuple[str, ...], place: str, level: Level, base: _Base) -> str:
    """Gives a folder as an absolute path: "~" is HOME, relative ones start at the project root. URLs stay."""
    key = join_key(parts)
    if parts[0] == "remote" and "://" in place:
        return place
    if place == "~" or place.startswith("~/"):
        if base.home is None:
            raise BadSetting(key, f"{key} begins with ~, and HOME is not set", "write the whole path")
        place = base.home + place[1:]
    if os.path.isabs(place):
        return os.path.normpath(place)
    if level is Level.GLOBAL or base.root is None:
        raise BadSetting(
            key, f"{key} is a relative path outside of a project", "write the whole path, or begin it with ~/"
        )
    return os.path.normpath(base.root / place)


def _built(entries: Entries, warnings: list[str]) -> Config:
    sections: dict[str, dict[str, ConfigValue]] = {name: {} for name in SECTIONS}
    remotes: dict[str, dict[str, ConfigEntry]] = {}
    for parts, entry in entries.items():
        if parts[0] == "remote":
            remotes.setdefault(parts[1], {})[parts[2]] = entry
        else:
            sections[parts[0]][parts[1]] = entry.value
    for name, settings in remotes.items():
        if "url" not in settings:
            where = next(iter(settings.values())).origin.where
            warnings.append(f"{where}: the remote {name} has settings but no url, so it is not used")
    urls = {name: str(settings["url"].value) for name, settings in remotes.items() if "url" in settings}
    built: dict[str, RemoteConfig] = {}
    for name in build_order(urls, warnings):
        base = alias_base(urls[name])
        built[name] = _remote(name, remotes[name], built[base] if base is not None else None, warnings)
    return Config(
        core=_core(sections["core"]),
        cache=CacheConfig(**sections["cache"]),  # type: ignore[arg-type]  # checked by the table of settings
        trash=TrashConfig(**sections["trash"]),  # type: ignore[arg-type]
        git=GitConfig(**sections["git"]),  # type: ignore[arg-type]
        parsing=ParsingConfig(**sections["parsing"]),  # type: ignore[arg-type]
        repro=ReproConfig(**sections["repro"]),  # type: ignore[arg-type]
        remotes=MappingProxyType(built),
        entries=MappingProxyType({entry.key: entry for entry in entries.values()}),
        warnings=tuple(warnings),
    )


def _core(values: dict[str, ConfigValue]) -> CoreConfig:
    core = CoreConfig(**values)  # type: ignore[arg-type]
    return replace(core, lock_timeout=float(core.lock_timeout))


def _remote(
    name: str, settings: Mapping[str, ConfigEntry], base: RemoteConfig | None, warnings: list[str]
) -> RemoteConfig:
    """Gives a remote; `base` is the one that it stands on, if its URL is `remote://...`."""
    own = {key: settings[key].value for key in REMOTE_SETTINGS if key in settings and key != "secrets_for"}
    options = {key: entry.value for key, entry in settings.items() if key not in REMOTE_SETTINGS}
    if base is not None:
        own["url"], options, kept_back = placed_on(base, str(own["url"]), options)
        for key in kept_back:
            warnings.append(
                f"remote.{name} does not get {key} of the remote {base.name}: its options lead to another address"
            )
    withheld = _secrets_for_elsewhere(str(own["url"]), options, settings)
    for key in withheld:
        del options[key]
        warnings.append(
            f"{settings[key].origin.where}: remote.{name}.{key} is not used: it was set for another address "
            f"than the remote has now; if the new one is right: `dvcx remote modify --local {name} {key} -`"
        )
    return RemoteConfig(name=name, **own, options=MappingProxyType(options), withheld=withheld)  # type: ignore[arg-type]


def _secrets_for_elsewhere(
    url: str, options: Mapping[str, ConfigValue], settings: Mapping[str, ConfigEntry]
) -> tuple[str, ...]:
    """Gives the secrets of the user's own files whose `secrets_for` is another address than the present one."""
    meant_for = settings.get("secrets_for")
    if meant_for is None or meant_for.value == destination(url, options):
        return ()
    own_files = (Level.GLOBAL, Level.LOCAL)
    return tuple(
        key for key, entry in settings.items() if entry.secret and entry.origin.level in own_files and key in options
    )
