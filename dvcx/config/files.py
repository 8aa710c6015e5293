"""The configuration files: where they are, and their text read with care, since anybody may have written it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from dvcx.base.errors import DamagedData, DvcxError
from dvcx.config.schema import Level

PROJECT_FILE = "config.toml"
LOCAL_FILE = "config.local.toml"
_MOST_BYTES = 1024 * 1024
# tomllib needs quadratic time for keys of thousands of dotted parts: 18 s for one line of 64 KiB.
_MOST_DOTS_IN_A_LINE = 100
_CONFLICT = re.compile(r"^(<{7} |={7}$|>{7} )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """One configuration file, which need not exist, and its level."""

    path: Path
    level: Level


def config_files(project_dir: Path | None, environ: Mapping[str, str]) -> Mapping[Level, ConfigFile]:
    """Gives the configuration files by level, weak to strong; those of the project only with its `.dvcx` folder.

    The global file is `$XDG_CONFIG_HOME/dvcx/config.toml` or `~/.config/dvcx/config.toml`; without HOME there is none.
    """
    files = {}
    base = environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):  # the XDG specification: ignore relative ones
        base = f"{environ['HOME']}/.config" if environ.get("HOME") else ""
    if base:
        files[Level.GLOBAL] = ConfigFile(Path(base, "dvcx", "config.toml"), Level.GLOBAL)
    if project_dir is not None:
        files[Level.PROJECT] = ConfigFile(project_dir / PROJECT_FILE, Level.PROJECT)
        files[Level.LOCAL] = ConfigFile(project_dir / LOCAL_FILE, Level.LOCAL)
    return MappingProxyType(files)


def read_text(path: Path) -> str:
    """Gives the text of a configuration file, "" when there is none.

    Raises `DamagedData` for what cannot be one (too large, not UTF-8, no regular file, conflict markers), `DvcxError`
    when the system refuses to read it.
    """
    try:
        data = _read_bounded(path)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise DvcxError(f"{path} cannot be read: {error.strerror}", "check its permissions") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data[: error.start].count(b"\n") + 1
        raise DamagedData(f"{path} line {number}: not UTF-8", "save the file as UTF-8") from error
    if (conflict := _CONFLICT.search(text)) is not None:
        number = text[: conflict.start()].count("\n") + 1
        raise DamagedData(
            f"{path} line {number}: an unresolved merge conflict",
            "edit the file so that one side is left and no line begins with <<<<<<<, then `git add` it",
        )
    return text


def parse_toml(text: str, path: Path) -> dict[str, object]:
    """Gives the tables of a configuration text; `path` is for messages. Raises `DamagedData` with the line."""
    import tomllib

    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > _MOST_DOTS_IN_A_LINE:
            raise DamagedData(f"{path} line {number}: too many dots for a configuration", "split it into several lines")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise DamagedData(f"{path}: brackets nested too deeply", "edit the file by hand") from error
    except ValueError as error:  # TOMLDecodeError, and int() for thousands of digits
        reason, number = _place(str(error), text)
        raise DamagedData(
            f"{path} line {number}: not TOML: {reason}", "edit the file by hand; texts need quotes"
        ) from error


def line_of(text: str, parts: tuple[str, ...]) -> int | None:
    """Gives the number of the line that sets the dotted key `parts`, as well as it can be told without a parser."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if header := re.match(r"\s*\[+([^\[\]]+)\]", line):
            table = _plain(header.group(1))
            if table == parts:
                return number
        elif (assignment := re.match(r"\s*([^=#]+?)\s*=", line)) and parts[: len(table)] == table:
            key = table + _plain(assignment.group(1))
            if key == parts[: len(key)]:
                return number
    return None


def _plain(key: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in key.split("."))


def _read_bounded(path: Path) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise DamagedData(f"{path} is not a regular file", "move it away")
        parts = []
        left = _MOST_BYTES + 1
        while left and (part := os.read(fd, left)):
            parts.append(part)
            left -= len(part)
    finally:
        os.close(fd)
    if not left:
        raise DamagedData(f"{path} is larger than {_MOST_BYTES} bytes", "a configuration is small; restore it from Git")
    return b"".join(parts)


def _place(message: str, text: str) -> tuple[str, int]:
    """Takes "reason (at line 3, column 5)" apart."""
    found = re.search(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$", message)
    if found is None:
        return message[:200], 1
    return message[: found.start()], int(found.group(1) or text.count("\n") + 1)
