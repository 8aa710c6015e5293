"""The configuration as values: what all the files and the environment together say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from dvcx.config.settings import ConfigValue

_NONE: Mapping[str, ConfigValue] = MappingProxyType({})


class Level(StrEnum):
    """Where a setting comes from, from weak to strong: a later level overrides an earlier one."""

    DEFAULT = "default"
    GLOBAL = "global"
    PROJECT = "project"
    LOCAL = "local"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class ConfigOrigin:
    """The level of a setting, and its file or environment variable ("" for a default)."""

    level: Level
    where: str


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """One setting in force: its key as `dvcx config` takes it, value, origin, and whether it is not to be shown."""

    key: str
    value: ConfigValue
    origin: ConfigOrigin
    secret: bool = False


@dataclass(frozen=True, slots=True)
class CoreConfig:
    """`[core]`; `lock_timeout` in seconds, `identity_file` an absolute path."""

    format: int = 1
    hash: str = "blake3"
    remote: str | None = None
    durability: Literal["full", "fast"] = "full"
    lock_timeout: float = 30.0
    portable_names: bool = True
    copies: int = 1
    identity_file: str | None = None


@dataclass(frozen=True, slots=True)
class CacheConfig:
    """`[cache]`; `dir` is an absolute path, `pack_below` in bytes, `type` the link types in order."""

    dir: str | None = None
    type: tuple[str, ...] = ("reflink", "copy")
    pack_below: int = 65_536


@dataclass(frozen=True, slots=True)
class TrashConfig:
    """`[trash]`; times in days."""

    keep_days: int = 30


@dataclass(frozen=True, slots=True)
class GitConfig:
    """`[git]`; limits in bytes, 0 for none."""

    guard_limit: int = 5_242_880
    guard_binary_limit: int = 524_288
    guard_allow: tuple[str, ...] = ()
    push: Literal["ask", "always", "refuse"] = "ask"


@dataclass(frozen=True, slots=True)
class ParsingConfig:
    """`[parsing]`: how mappings in templates become flags of commands."""

    bool: Literal["store_true", "boolean_optional"] = "store_true"
    list: Literal["nargs", "append"] = "nargs"


@dataclass(frozen=True, slots=True)
class ReproConfig:
    """`[repro]`; `resources` are texts such as `gpu=2` and `memory=8GiB`."""

    resources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoteConfig:
    """`[remote.NAME]`. `url` is absolute: folders given relative to the project root are joined to it.

    Prices are in USD: for 1,000 writes or listings, for 1,000 reads, for a GiB out, for a GiB kept a month.

    `options` go to the fsspec filesystem. `withheld` names the secrets that are set but are meant for another
    address; they are not among the options. `identity` is a private key, `keyring` the hash of an entry of a key ring.
    """

    name: str
    url: str
    compression: str = "zstd:3"
    grace_days: int = 14
    options: Mapping[str, ConfigValue] = field(default_factory=lambda: _NONE)
    withheld: tuple[str, ...] = ()
    jobs: int | None = None
    price_write: float | None = None
    price_read: float | None = None
    price_out: float | None = None
    price_month: float | None = None
    encrypt: Literal["none", "sodium"] = "none"
    keyring: str | None = None
    identity: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of a project. `entries` says where each one that is set comes from, by its key.

    `warnings` are sentences for the user about what was not used: unknown sections, remotes without a URL, secrets
    for another address. `own_folder` is where the person's own configuration lies, None without a home folder.
    """

    core: CoreConfig = CoreConfig()
    cache: CacheConfig = CacheConfig()
    trash: TrashConfig = TrashConfig()
    git: GitConfig = GitConfig()
    parsing: ParsingConfig = ParsingConfig()
    repro: ReproConfig = ReproConfig()
    remotes: Mapping[str, RemoteConfig] = field(default_factory=lambda: MappingProxyType({}))
    entries: Mapping[str, ConfigEntry] = field(default_factory=lambda: MappingProxyType({}))
    warnings: tuple[str, ...] = ()
    own_folder: str | None = field(default=None, compare=False)
