"""The examples say what they need."""

from __future__ import annotations

import re
import sys

from tests.docs.pages import ROOT

DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn", "yaml": "pyyaml"}


def test_the_requirements_of_the_example_are_what_it_imports() -> None:
    folder = ROOT / "examples/digits"
    imported = {
        name
        for file in folder.glob("*.py")
        for name in re.findall(r"^(?:import|from) (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    needed = {DISTRIBUTIONS.get(name, name) for name in imported - sys.stdlib_module_names}
    lines = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert {line.partition(">")[0] for line in lines} == needed
