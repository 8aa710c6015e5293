"""`docs/promises.md` has all seventeen promises, and the tests it names exist."""

from __future__ import annotations

import ast
import re

from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "promises.md").read_text(encoding="utf-8")
SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]


def test_there_are_seventeen_promises() -> None:
    assert [section.split(".")[0] for section in SECTIONS] == [str(number) for number in range(1, 18)]


def test_every_promise_names_its_tests_or_says_that_they_are_to_come() -> None:
    for section in SECTIONS:
        assert re.search(r"^(- `tests/|To come: )", section, re.MULTILINE), section


def test_every_test_that_is_named_exists() -> None:
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE):
        assert name in _tests_of(path), f"there is no test {name} in {path}"


def _tests_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    # A state machine of hypothesis is a class; what pytest runs is its TestCase under a name of the module.
    names = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return functions | names
