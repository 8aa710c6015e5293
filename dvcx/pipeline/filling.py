"""Filling templates inside one stage or section, keeping note of the parameters that were used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dvcx.formats.yaml_values import LocatedDict, LocatedList
from dvcx.model.stage import ParamFile
from dvcx.pipeline.context import Context
from dvcx.pipeline.flags import FlagStyle
from dvcx.pipeline.pipeline_file import At, PipelineFile
from dvcx.pipeline.templates import TemplateError, as_text, filled, kind_of, parse_template


@dataclass(slots=True)
class Filler:
    """Fills templates of `file` with the values of `context`, and collects in `used` what it looked up."""

    file: PipelineFile
    context: Context
    style: FlagStyle
    used: dict[tuple[str, ...], None] = field(default_factory=dict)

    def value(self, text: Any, at: At, *, in_command: bool = False) -> Any:
        """Gives `text` with its holes filled: of a text that is one hole, the value itself. Raises `FileProblem`."""
        if type(text) is not str or "${" not in text:
            return text
        try:
            template = parse_template(text)
            if template is None:
                return text
            values = [self.context.find(hole.parts, hole.key) for hole in template.holes]
            self.used.update(dict.fromkeys(hole.parts for hole in template.holes))
            if template.is_exact and not (in_command and isinstance(values[0], Mapping)):
                return values[0]
            return filled(template, values, self.style, in_command=in_command)
        except TemplateError as error:
            if not error.offset:
                error.offset = self._offset(text, error)
            raise self.file.template_problem(at, text, error) from None

    def text(self, value: Any, at: At, *, in_command: bool = False) -> str:
        """Gives what `value(...)` gives as a text; raises `FileProblem` for lists and mappings."""
        found = self.value(value, at, in_command=in_command)
        if type(found) is str:
            return found
        if isinstance(found, list | tuple | Mapping):
            raise self.file.problem(at, f"this is {kind_of(found)}; a text was expected")
        return as_text(found)

    def entries(self, parts: LocatedList) -> Iterator[tuple[Any, At]]:
        """Gives the entries of a list with their places. An entry that is one hole with a list brings all of its."""
        for part, at in zip(parts, parts.values_at, strict=True):
            if type(part) is not str:
                yield part, at
                continue
            value = self.value(part, at)
            if isinstance(value, list | tuple) and not isinstance(part, list):
                for inner in value:
                    yield inner, at
            else:
                yield value, at

    def deep(self, value: Any, at: At) -> Any:
        """Gives `value` as plain dictionaries and lists with all holes in them filled, those in keys too."""
        if type(value) is str:
            return self.value(value, at)
        if isinstance(value, LocatedDict):
            return {
                self.value(key, value.keys_at[key]): self.deep(inner, value.values_at[key])
                for key, inner in value.items()
            }
        if isinstance(value, LocatedList):
            return [self.deep(part, where) for part, where in zip(value, value.values_at, strict=True)]
        return value

    def parameters(self) -> tuple[ParamFile, ...]:
        """Gives the parameters of files that were used so far."""
        if not self.used:
            return ()
        keys: dict[str, dict[str, None]] = {}
        for parts in self.used:
            origin = self.context.origin(parts)
            if origin is not None and origin.file is not None:
                keys.setdefault(origin.file, {})[".".join(origin.key)] = None
        return tuple(ParamFile(file, file, tuple(found)) for file, found in keys.items())

    @staticmethod
    def _offset(text: str, error: TemplateError) -> int:
        """Gives where in `text` the `${...}` stands that the message begins with."""
        return max(0, text.find(error.problem.partition("}")[0])) if error.problem.startswith("${") else 0
