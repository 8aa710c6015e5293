"""Versions of packages and images, as the stage's own Python and container program have them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dvcx.pipeline.pins import image_digest, package_version
from dvcx.pipeline.staleness import UNSEEN


def environment_with(folder: Path, packages: dict[str, str]) -> Path:
    """Makes what a virtual environment looks like, with packages in it; gives its folder of programs."""
    site = folder / "lib" / "python3.11" / "site-packages"
    for name, version in packages.items():
        info = site / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    program(folder / "bin" / "python", "touch ran; exit 1")
    return folder / "bin"


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_packages_are_those_of_the_first_python_on_the_path(tmp_path: Path) -> None:
    one = environment_with(tmp_path / "one", {"some_package": "1.0"})
    two = environment_with(tmp_path / "two", {"some_package": "2.0", "other": "3"})
    assert package_version("some-package", {"PATH": f"{one}:{two}"}) == "1.0"
    assert package_version("Some.Package", {"PATH": f"{two}:{one}"}) == "2.0"
    assert package_version("other", {"PATH": f"{one}:{two}"}) is None
    assert not list(tmp_path.rglob("ran")), "that Python is not started"


def test_the_own_environment_is_known_without_looking() -> None:
    path = str(Path(sys.executable).parent)
    assert package_version("pytest", {"PATH": path}) == pytest.__version__


def test_a_package_that_was_upgraded_has_its_new_version(tmp_path: Path) -> None:
    path = environment_with(tmp_path, {"thing": "1"})
    assert package_version("thing", {"PATH": str(path)}) == "1"
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    (site / "thing-1.dist-info").rename(site / "thing-2.dist-info")
    (site / "thing-2.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 2\n")
    assert package_version("thing", {"PATH": str(path)}) == "2"


def test_an_image_named_by_its_digest_is_that() -> None:
    assert image_digest("python@sha256:12ab", {}) == "sha256:12ab"


def test_an_image_is_asked_of_the_program_that_is_there(tmp_path: Path) -> None:
    program(tmp_path / "podman", 'test "$5" = known:1 && echo sha256:77 || { echo "image not known" >&2; exit 125; }')
    assert image_digest("known:1", {"PATH": f"{tmp_path}:/bin"}) == "sha256:77"
    assert image_digest("other:1", {"PATH": f"{tmp_path}:/bin"}) is None


def test_without_such_a_program_nothing_is_claimed(tmp_path: Path) -> None:
    assert image_digest("python:3.12", {"PATH": str(tmp_path)}) == UNSEEN
