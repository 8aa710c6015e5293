"""The values that templates may name: from `params.yaml`, from `vars`, and the `item` and `key` of generated stages."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from dvcx.pipeline.templates import TemplateError, kind_of

Path = tuple[str, ...]
_NONE: Mapping[Any, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where values come from: a parameter file (None for `vars` and literals), the key there, and words for people."""

    file: str | None
    key: Path
    shown: str


@dataclass(frozen=True, slots=True)
class Context:
    """Values by name. `items` hide `values` and cannot be redefined: `item` and `key` of a generated stage.

    `origins` tells for each place where something was put where that came from. `loaded` are the files taken so far:
    with the keys that were picked, or None for all of it.
    """

    values: Mapping[str, Any] = field(default_factory=lambda: _NONE)
    items: Mapping[str, Any] = field(default_factory=lambda: _NONE)
    origins: Mapping[Path, Origin] = field(default_factory=lambda: _NONE)
    loaded: Mapping[str, tuple[str, ...] | None] = field(default_factory=lambda: _NONE)

    def find(self, parts: Path, shown: str) -> Any:
        """Gives the value at `parts`; raises `TemplateError` that names what there is instead."""
        first = parts[0]
        if first in self.items:
            found = self.items[first]
        elif first in self.values:
            found = self.values[first]
        else:
            raise _unknown(shown, first, "", [*self.items, *self.values])
        above = first
        for part in parts[1:]:
            if isinstance(found, Mapping):
                if part not in found:
                    raise _unknown(shown, part, above, list(found))
                found = found[part]
            elif isinstance(found, list | tuple):
                found = _at_index(found, part, above, shown)
            else:
                raise TemplateError(f"${{{shown}}} does not exist: {above} is {kind_of(found)}, which has no parts")
            above = f"{above}.{part}"
        return found

    def origin(self, parts: Path) -> Origin | None:
        """Gives where the value at `parts` comes from, with its key there; None for literals."""
        if any(part.startswith("-") for part in parts):
            parts = self._counted(parts)
        for length in range(len(parts), 0, -1):
            origin = self.origins.get(parts[:length])
            if origin is not None:
                return replace(origin, key=origin.key + parts[length:])
        return None

    def _counted(self, parts: Path) -> Path:
        """Gives `parts` with places counted from the end of a list counted from its start."""
        found: Any = {**self.values, **self.items}
        counted: list[str] = []
        for part in parts:
            if isinstance(found, list | tuple):
                counted.append(str(int(part) % len(found)))
                found = found[int(part)]
            else:
                counted.append(part)
                found = found[part]
        return tuple(counted)

    def with_items(self, items: Mapping[str, Any], origins: Mapping[Path, Origin]) -> Context:
        """Gives the context of one generated stage."""
        return replace(self, items=items, origins={**self.origins, **origins} if origins else self.origins)

    def merged(self, values: Mapping[str, Any], origin: Origin) -> Context:
        """Gives the context with `values` put into it; raises `TemplateError` when one of them is there already."""
        taken = [name for name in self.items if name in values]
        if taken:
            raise TemplateError(
                f"{' and '.join(taken)} cannot be redefined here: it is what each generated stage gets", "rename it"
            )
        origins = dict(self.origins)
        merged = _merge(self.values, values, (), origin, origins)
        return replace(self, values=merged, origins=origins)


def _merge(
    base: Mapping[str, Any], new: Mapping[str, Any], at: Path, origin: Origin, origins: dict[Path, Origin]
) -> dict[str, Any]:
    result = dict(base)
    for key, value in new.items():
        if not isinstance(key, str):
            continue  # templates cannot name it
        path = (*at, key)
        if key not in result:
            result[key] = value
            origins[path] = replace(origin, key=origin.key + path)
        elif isinstance(result[key], Mapping) and isinstance(value, Mapping):
            result[key] = _merge(result[key], value, path, origin, origins)
        else:
            before = next((origins[path[:n]] for n in range(len(path), 0, -1) if path[:n] in origins), None)
            raise TemplateError(
                f"{'.'.join(path)} of {origin.shown} is defined already in {before.shown if before else 'the file'}",
                "mappings are merged, single values and lists are not replaced: rename one of the two",
            )
    return result


def load_file(context: Context, words: str, folder: str, read: Callable[[str], Any | None]) -> Context:
    """Gives the context with a file of `vars` in it: `words` are a path from `folder`, and maybe `:key,key`.

    `read` gives the values in a file by its project path, None when there is none. Raises `TemplateError`.
    """
    name, _, picked = words.partition(":")
    keys = tuple(key for key in picked.split(",") if key)
    path = posixpath.normpath(posixpath.join(folder, name))
    before = context.loaded.get(path, ())
    if path in context.loaded:
        if before is None and not keys:
            return context
        if before is None:
            raise TemplateError(
                f"{words} cannot be taken in part: all of {path} is loaded already", "leave this line out"
            )
        again = [key for key in keys if key in before]
        if not keys or again:
            raise TemplateError(f"{', '.join(again) or 'a part'} of {path} is loaded already", "name each key once")
    values = read(path)
    if values is None:
        raise TemplateError(f"{path} does not exist", "paths in `vars` are relative to the folder of dvcx.yaml")
    if not isinstance(values, Mapping):
        raise TemplateError(f"{path} is {kind_of(values)}; a mapping of names to values was expected")
    missing = [key for key in keys if key not in values]
    if missing:
        raise TemplateError(f"{path} has no {missing[0]}", _did_you_mean(missing[0], list(values)))
    wanted = {key: values[key] for key in keys} if keys else values
    merged = context.merged(wanted, Origin(path, (), path))
    loaded = None if not keys else (*(before or ()), *keys)
    return replace(merged, loaded={**context.loaded, path: loaded})


def _at_index(found: list[Any] | tuple[Any, ...], part: str, above: str, shown: str) -> Any:
    try:
        return found[int(part)]
    except ValueError:
        raise TemplateError(f"${{{shown}}} does not exist: {above} is a list, its parts have numbers") from None
    except IndexError:
        raise TemplateError(f"${{{shown}}} does not exist: {above} has {len(found)} parts, from 0") from None


def _unknown(shown: str, part: str, above: str, names: list[Any]) -> TemplateError:
    where = f"{above} has no {part}" if above else f"nothing is called {part}"
    known = [str(name) for name in names]
    return TemplateError(f"${{{shown}}} does not exist: {where}", _did_you_mean(part, known) or _known(above, known))


def _did_you_mean(name: str, names: list[Any]) -> str | None:
    close = get_close_matches(name, [str(each) for each in names[:1000]], 1, 0.5)
    return f"did you mean {close[0]}?" if close else None


def _known(above: str, names: list[str]) -> str:
    if not names:
        return "define it in params.yaml, in a file of `vars`, or in `vars` itself; write \\${ for a plain ${"
    start = f"{above} has" if above else "there are"
    return f"{start} {', '.join(names[:8])}{' and more' if len(names) > 8 else ''}"
