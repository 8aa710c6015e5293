"""Parameter files as values: YAML, JSON, TOML, and Python whose assignments are read and never run."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from dvcx.base.errors import DamagedData
from dvcx.formats.excerpt import FileProblem
from dvcx.formats.yaml_values import MAX_DEPTH, decoded, read_yaml

MAX_CODE_BYTES = 2 << 20
"""Python and TOML files larger than this (bytes) are refused: reading them costs far more than their length."""
_DOTTED = re.compile(r"""(?:[\w"'-]+\s*\.\s*){200}""")


def parse_params(data: bytes, where: str) -> Any:
    """Gives the values in the parameter file `where`, whose suffix says what it is; anything else is YAML.

    An empty file is an empty mapping. Raises `DamagedData`, where possible with the place, for what cannot be read.
    """
    suffix = where.rpartition("/")[2].rpartition(".")[2].lower()
    reader = {"json": _json, "toml": _toml, "py": _python}.get(suffix)
    try:
        values = reader(decoded(data, where), where) if reader else read_yaml(data, where)
    except RecursionError:
        raise DamagedData(f"{where} is nested too deep to be read") from None
    if values is None or values == "":
        return {}
    return values


def find_param(values: Any, key: str) -> Any:
    """Gives the value at `key`, whose parts are separated by dots (`model.layers.0`); raises `KeyError`."""
    found = values
    for part in key.split("."):
        try:
            if isinstance(found, Mapping):
                found = found[part] if part in found else found[_number(part)]
            elif isinstance(found, list | tuple):
                found = found[int(part)]
            else:
                raise KeyError(key)
        except (LookupError, ValueError):
            raise KeyError(key) from None
    return found


def _number(part: str) -> int:
    return int(part) if re.fullmatch(r"-?[0-9]{1,18}", part) else int("")


def _json(text: str, where: str) -> Any:
    if not text.strip():
        return {}
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = (error.lineno - 1, error.colno - 1)
        raise FileProblem(text, where, at, f"this is not JSON: {error.msg}") from None
    except ValueError as error:  # a number of more than 4300 digits
        raise DamagedData(f"{where} is not JSON: {error}") from None


def _toml(text: str, where: str) -> Any:
    import tomllib  # 25 ms that projects without TOML do not pay

    if len(text) > MAX_CODE_BYTES:
        raise DamagedData(f"{where} is too large for TOML ({len(text)} characters; at most {MAX_CODE_BYTES} are read)")
    if _DOTTED.search(text):
        raise DamagedData(f"{where} has a key of more than 200 parts")
    try:
        return _texts_for_dates(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        if place is None:
            raise DamagedData(f"{where} is not TOML: {error}") from None
        at = (int(place[1]) - 1, int(place[2]) - 1)
        problem = str(error).removesuffix(place[0]).strip().lower()
        raise FileProblem(text, where, at, f"this is not TOML: {problem}") from None
    except ValueError as error:
        raise DamagedData(f"{where} is not TOML: {error}") from None


def _texts_for_dates(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _texts_for_dates(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_texts_for_dates(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _python(text: str, where: str) -> Any:
    """Reads the assignments of literals of a module, of its classes, and of `self.x` in their `__init__`."""
    if len(text) > MAX_CODE_BYTES:
        raise DamagedData(f"{where} is too large ({len(text)} characters; at most {MAX_CODE_BYTES} are read)")
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        at = (max(0, (error.lineno or 1) - 1), max(0, (error.offset or 1) - 1))
        raise FileProblem(text, where, at, f"this is not Python: {error.msg}") from None
    except (ValueError, MemoryError) as error:
        raise DamagedData(f"{where} is not Python that can be read: {error}") from None
    return _assignments(tree.body, self_only=False)


def _assignments(body: Iterable[ast.stmt], *, self_only: bool, depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for statement in body:
        if isinstance(statement, ast.ClassDef) and depth < MAX_DEPTH:
            found[statement.name] = _assignments(statement.body, self_only=False, depth=depth + 1)
        elif isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            found.update(_assignments(statement.body, self_only=True, depth=depth + 1))
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            name = _name(targets[0], self_only=self_only) if len(targets) == 1 else None
            if name is None:
                continue
            try:
                found[name] = _plain_literal(ast.literal_eval(statement.value))
            except (ValueError, TypeError, MemoryError, SyntaxError):
                continue  # not a literal: whatever it would be, nobody runs it
    return found


def _name(target: ast.expr, *, self_only: bool) -> str | None:
    if isinstance(target, ast.Name) and not self_only:
        return target.id
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
        return target.attr
    return None


def _plain_literal(value: Any) -> Any:
    """Gives a literal as JSON could hold it: sets and tuples as lists. Raises `ValueError` for bytes and the like."""
    if isinstance(value, dict):
        return {key: _plain_literal(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_literal(inner) for inner in value]
    if isinstance(value, set):
        return sorted((_plain_literal(inner) for inner in value), key=str)
    if value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and not math.isnan(value)):
        return value
    raise ValueError(type(value).__name__)
