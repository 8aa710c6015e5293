"""What the options that every command has were set to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class When(StrEnum):
    """When to use colours: on a terminal that wants them, or whatever it is."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(slots=True)
class Settings:
    """The shared options of one invocation, as guessed from its words until `settle` knows them."""

    quiet: bool = False
    verbose: int = 0
    directories: list[str] = field(default_factory=list)
    json: bool = False
    colour: When = When.AUTO
    _levels: list[Mapping[str, object]] = field(default_factory=list)

    def take(self, values: Mapping[str, object]) -> None:
        """Remembers what one level (`dvcx`, `remote`, `add`) was given, from the outermost on."""
        self._levels.append(values)

    def settle(self) -> None:
        """Sets everything to what all levels together say: flags add up, the innermost colour counts."""
        self.quiet = any(level.get("quiet") for level in self._levels)
        self.json = any(level.get("json") for level in self._levels)
        self.verbose, self.directories, self.colour = 0, [], When.AUTO
        for level in self._levels:
            verbose, directories, colour = level.get("verbose"), level.get("directory"), level.get("colour")
            self.verbose += verbose if isinstance(verbose, int) else 0
            self.directories.extend(directories if isinstance(directories, list | tuple) else ())
            self.colour = colour if isinstance(colour, When) else self.colour


def guessed(words: Sequence[str]) -> Settings:
    """Gives what `words` seem to ask for, so that an error in the words themselves is told in the right form."""
    options = list(words[: words.index("--")] if "--" in words else words)
    colour = next((when for when in When if f"--color={when}" in options), When.AUTO)
    return Settings(json="--json" in options, colour=colour)
