"""Writes `docs/code-map.md`: every module of dvcx with the first sentence of its docstring, floor by floor.

`python -m tests.docs.code_map --write` writes it in the current folder; `--check` tells by its exit code whether it is
current.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

PAGE = Path("docs/code-map.md")
FLOORS = ("cli", "operations", "repo", "workspace", "manifest", "storage", "git", "config", "formats", "model", "base")
_INTRODUCTION = """\
<!-- Written by `python -m tests.docs.code_map --write` from the docstrings: change those, not this page. -->

# Code map

Every module with what it is for, from the top floor to the bottom. Imports only go down this list;
[architecture.md](architecture.md) says why and shows the ways through it.
"""


def main(words: Sequence[str]) -> int:
    """Writes or checks the page; gives 0, 1 when it is not current, 2 for other words."""
    if list(words) not in (["--write"], ["--check"]):
        print("usage: python -m tests.docs.code_map --write | --check", file=sys.stderr)
        return 2
    text = page(Path("dvcx"))
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    if words[0] == "--check":
        print(f"{PAGE} is not current: run `python -m tests.docs.code_map --write`", file=sys.stderr)
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


def page(package: Path) -> str:
    """Gives the text of the page for the package in the folder `package`."""
    return _INTRODUCTION + "".join(_floors(package))


def _floors(package: Path) -> Iterator[str]:
    yield f"\n## dvcx/\n\n{_row(package / '__init__.py')}{_row(package / '__main__.py')}"
    here = {path.parent.name for path in package.glob("*/__init__.py")}
    for floor in sorted(here, key=lambda name: (FLOORS.index(name) if name in FLOORS else -1, name)):
        yield f"\n## dvcx/{floor}/\n\n{summary(package / floor / '__init__.py')}\n\n"
        yield from map(_row, _modules(package / floor))


def _modules(folder: Path) -> list[Path]:
    inner = [path for path in folder.rglob("*.py") if path != folder / "__init__.py"]
    return sorted(inner, key=lambda path: path.relative_to(folder).as_posix().replace("__init__.py", ""))


def _row(path: Path) -> str:
    name = path.as_posix().removesuffix("__init__.py")
    return f"- [`{name}`](../{name}): {summary(path)}\n"


def summary(path: Path) -> str:
    """Gives the first paragraph of a module's docstring, on one line."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "(no docstring)"
    return " ".join(docstring.split("\n\n")[0].split())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
