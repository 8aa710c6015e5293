"""The table of settings: what each one means, which values it takes and how they are read from text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

ConfigValue = str | bool | int | float | Sequence["ConfigValue"] | Mapping[str, "ConfigValue"]
Kind = Literal["text", "yes or no", "whole number", "number", "list"]

FORMAT = 1
"""The newest project format that this dvcx understands."""

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_MIB = 1024 * 1024


class BadSetting(Exception):
    """A setting that cannot be taken: its key, what is wrong, what to do. The reader adds the file and line.

    `unsafe`: taking it would be a danger (a secret that everybody can read), not only a mistake.
    """

    def __init__(self, key: str, problem: str, hint: str, *, unsafe: bool = False) -> None:
        super().__init__(problem)
        self.key = key
        self.problem = problem
        self.hint = hint
        self.unsafe = unsafe


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the configuration, for checking and for the reference.

    `choices` are the allowed texts (of each part, for a list); `pattern` what a text, or part, looks like, and `form`
    says that in words; `least` and `most` bound numbers. `project_only`: every clone must agree, so it stands in the
    tracked file and nowhere else. `personal`: it is about one person or machine, so the tracked file cannot have it.
    """

    key: str
    kind: Kind
    default: ConfigValue | None
    about: str
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    form: str | None = None
    least: int = 0
    most: int | None = None
    project_only: bool = False
    personal: bool = False

    def checked(self, value: object) -> ConfigValue:
        """Gives `value` if this setting takes it; raises `BadSetting`."""
        if self.kind == "yes or no" and isinstance(value, bool):
            return value
        if self.kind == "list" and isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
            return self._checked_list(tuple(value))
        if self.kind == "text" and isinstance(value, str):
            return self._checked_text(value)
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if (self.kind == "whole number" and is_number) or (
            self.kind == "number" and (is_number or isinstance(value, float))
        ):
            assert isinstance(value, int | float)
            return self._checked_number(value)
        raise self.bad(value)

    def parsed(self, text: str) -> ConfigValue:
        """Gives the value that `text` from a command line or the environment means; raises `BadSetting`."""
        word = text.strip().lower()
        if self.kind == "yes or no" and word in _TRUE | _FALSE:
            return word in _TRUE
        if self.kind == "list":
            return self.checked([part.strip() for part in text.split(",") if part.strip()])
        if self.kind == "text":
            return self.checked(text)
        if self.kind in ("whole number", "number") and re.fullmatch(r"\d{1,15}", word):
            return self.checked(int(word))
        if self.kind == "number" and re.fullmatch(r"\d{1,15}\.\d{1,15}", word):
            return self.checked(float(word))
        raise self.bad(text)

    def takes(self) -> str:
        """Says in words which values it takes."""
        if self.choices:
            return ("one or more of " if self.kind == "list" else "") + ", ".join(self.choices)
        if self.kind in ("whole number", "number"):
            return f"a {self.kind} from {self.least}" + (f" to {self.most}" if self.most is not None else " up")
        if self.form is not None:
            return self.form
        return {"yes or no": "true or false", "list": "a list of texts"}.get(self.kind, "a text")

    def bad(self, value: object) -> BadSetting:
        """Gives the error that this setting does not take `value`."""
        shown = value if isinstance(value, str) else _as_toml(value)
        return BadSetting(self.key, f"{self.key} cannot be {shown[:80]!r}", f"it takes {self.takes()}")

    def _checked_text(self, value: str) -> str:
        if self.choices and value not in self.choices:
            raise self.bad(value)
        if not value.strip() or "\0" in value or (self.pattern and not re.fullmatch(self.pattern, value)):
            raise self.bad(value)
        return value

    def _checked_list(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        if self.choices and not (parts and set(parts) <= set(self.choices)):
            raise self.bad(", ".join(parts))
        if len(set(parts)) != len(parts) or not all(part and "\0" not in part for part in parts):
            raise self.bad(", ".join(parts))
        for part in parts:
            if self.pattern and not re.fullmatch(self.pattern, part):
                raise self.bad(part)
        return parts

    def _checked_number(self, value: int | float) -> int | float:
        if not (self.least <= value and (self.most is None or value <= self.most)):
            raise self.bad(value)
        return value


def _as_toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _table(*settings: Setting) -> Mapping[str, Setting]:
    return MappingProxyType({setting.key: setting for setting in settings})


SETTINGS = _table(
    Setting("core.format", "whole number", 1, "The format of the project; a newer one is refused.", project_only=True),
    Setting(
        "core.hash",
        "text",
        "blake3",
        "The algorithm that names contents; chosen once, by `dvcx init --hash`.",
        choices=("blake3", "sha256", "xxh128"),
        project_only=True,
    ),
    Setting("core.remote", "text", None, "The remote that commands use when none is named.", pattern=r"[\w-]+"),
    Setting(
        "core.copies",
        "whole number",
        1,
        "On how many remotes a push without `-r` leaves the data: the default one, then the others in their order.",
        least=1,
        most=16,
    ),
    Setting(
        "core.durability",
        "text",
        "full",
        "`full`: done survives a power cut; `fast`: the operating system decides when bytes reach the disk.",
        choices=("full", "fast"),
    ),
    Setting("core.lock_timeout", "number", 30, "Seconds to wait for another dvcx before giving up.", most=86_400),
    Setting(
        "core.identity_file",
        "text",
        None,
        "The file with your private keys for encrypted remotes; else `identity.key` beside your own configuration.",
        personal=True,
    ),
    Setting("core.portable_names", "yes or no", True, "Refuse names that differ only in case or Unicode form."),
    Setting("cache.dir", "text", None, "Where the cache is, for a disk that several projects share."),
    Setting(
        "cache.type",
        "list",
        ("reflink", "copy"),
        "How files get from the cache into the workspace: the first way that works there is taken.",
        choices=("reflink", "hardlink", "symlink", "copy"),
    ),
    Setting(
        "cache.pack_below", "whole number", 65_536, "Files smaller than this (bytes) rest in packs.", most=16 * _MIB
    ),
    Setting("trash.keep_days", "whole number", 30, "Days until what was replaced or removed is gone.", most=36_500),
    Setting(
        "git.guard_limit", "whole number", 5 * _MIB, "Files larger than this (bytes) are kept out of Git; 0: no limit."
    ),
    Setting(
        "git.guard_binary_limit",
        "whole number",
        512 * 1024,
        "The same for files that are no text (bytes); 0: no limit.",
    ),
    Setting("git.guard_allow", "list", (), "Patterns of files that may enter Git whatever their size."),
    Setting(
        "git.push",
        "text",
        "ask",
        "When commits are pushed whose data is on no remote: `ask` whether to push it, `always` do, or `refuse`.",
        choices=("ask", "always", "refuse"),
    ),
    Setting(
        "parsing.bool",
        "text",
        "store_true",
        "How true and false in mappings become flags of commands: `--x` and nothing, or `--x` and `--no-x`.",
        choices=("store_true", "boolean_optional"),
    ),
    Setting(
        "parsing.list",
        "text",
        "nargs",
        "How lists in mappings become flags of commands: `--x 1 2`, or `--x 1 --x 2`.",
        choices=("nargs", "append"),
    ),
    Setting(
        "repro.resources",
        "list",
        (),
        "What stages share, `gpu=2` say; else what the machine has of `cpu`, `memory`, `gpu`, and one of the rest.",
        pattern=r"memory=\d{1,15}(\.\d{1,6})?\s?[kKmMgGtT]?i?[bB]?|(?!memory=)[\w.-]{1,64}=\d{1,9}(\.\d{1,6})?",
        form="names with amounts, such as gpu=2 and memory=32GiB",
    ),
)
"""Every setting outside of the remotes, by its key."""

REMOTE_SETTINGS = _table(
    Setting("url", "text", None, "Where the remote is: a folder, or a URL that fsspec knows."),
    Setting(
        "compression",
        "text",
        "zstd:3",
        "How packs are compressed: `none`, or `zstd:` and a level from 1 to 19.",
        pattern=r"none|zstd(:([1-9]|1[0-9]))?",
        form="none, zstd, or zstd:1 to zstd:19",
    ),
    Setting(
        "grace_days", "whole number", 14, "Days that `gc --remote` keeps what nothing refers to any more.", most=36_500
    ),
    Setting("jobs", "whole number", None, "How many requests at once, when `-j` does not say.", least=1, most=256),
    Setting("price_write", "number", None, "USD for 1,000 writes or listings, for the costs that `--plan` tells."),
    Setting("price_read", "number", None, "USD for 1,000 reads, for the costs that `--plan` tells."),
    Setting("price_out", "number", None, "USD for a GiB that leaves the store, for the costs that `--plan` tells."),
    Setting("price_month", "number", None, "USD for keeping a GiB for a month, for the costs that `--plan` tells."),
    Setting(
        "encrypt",
        "text",
        "none",
        "`sodium`: everything is encrypted here before it is sent; set by `dvcx remote keys add`.",
        choices=("none", "sodium"),
    ),
    Setting(
        "keyring",
        "text",
        None,
        "An entry that the remote's key ring must have, so that no other one is taken for it; written by dvcx.",
        pattern=r"[0-9a-f]{64}",
    ),
    Setting("identity", "text", None, "A private key for this encrypted remote, in the place of core.identity_file."),
    Setting(
        "secrets_for",
        "text",
        None,
        "The address that the secrets beside it are meant for; written by dvcx. They go to no other.",
    ),
)
"""The settings that every remote has, by the last part of their key; all else is an option for fsspec."""

SECTIONS = ("core", "cache", "trash", "git", "parsing", "repro", "remote")
REMOTE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def parse_option(key: str, text: str, *, is_text: bool) -> ConfigValue:
    """Gives the value that `text` means for an option of a remote: true, false, a number, or the text itself.

    Text in TOML's quotes, brackets or braces is read as TOML, so `'"22"'` is a text and `{a = 1}` a table. With
    `is_text` (a password) a number stays a text. Raises `BadSetting`.
    """
    if text[:1] in ('"', "'", "[", "{"):
        import tomllib

        try:
            return checked_option(key, tomllib.loads(f"value = {text}")["value"])
        except (ValueError, RecursionError):
            raise BadSetting(
                key, f"{key} is not written as TOML: {text[:80]}", "close its quotes or brackets"
            ) from None
    if not is_text and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if not is_text and re.fullmatch(r"-?(0|[1-9]\d{0,14})", text):
        return int(text)
    return text


def checked_option(key: str, value: object) -> ConfigValue:
    """Gives a remote's option if it is made of texts, numbers, lists and tables; raises `BadSetting`.

    Lists and tables stay plain ones: libraries below fsspec test for `dict`.
    """
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list):
        return [checked_option(key, part) for part in value]
    if isinstance(value, dict):
        return {name: checked_option(f"{key}.{name}", part) for name, part in value.items()}
    raise BadSetting(
        key, f"{key} is a {type(value).__name__}", "options are texts, numbers, true or false, lists or tables"
    )
