"""fsspec's own test suite for filesystems: the part for those that only read, from each place that data can be in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.tests.abstract import AbstractFixtures, AbstractGetTests

from tests.api.conftest import far_away
from tests.project import Project


class ReadOnlyFixtures(AbstractFixtures):  # type: ignore[misc]
    """The scenarios of the suite, tracked by dvcx instead of written through the filesystem."""

    @pytest.fixture(
        params=[
            pytest.param("workspace", marks=pytest.mark.slow),
            pytest.param("cache", marks=pytest.mark.slow),
            "remote",
        ]
    )
    def place(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def fs(self, project: Project) -> Any:
        return fsspec.filesystem("dvcx", repo=project.path)

    @pytest.fixture
    def fs_path(self) -> str:
        return ""

    @pytest.fixture
    def fs_bulk_operations_scenario_0(
        self, fs: Any, fs_join: Any, fs_path: str, project: Project, place: str
    ) -> Iterator[str]:
        yield self._tracked(fs, project, place, self._bulk_operations_scenario_0, fs_join)

    @pytest.fixture
    def fs_glob_edge_cases_files(
        self, fs: Any, fs_join: Any, fs_path: str, project: Project, place: str
    ) -> Iterator[str]:
        yield self._tracked(fs, project, place, self._glob_edge_cases_files, fs_join)

    @pytest.fixture
    def fs_dir_and_file_with_same_name_prefix(
        self, fs: Any, fs_join: Any, fs_path: str, project: Project, place: str
    ) -> Iterator[str]:
        yield self._tracked(fs, project, place, self._dir_and_file_with_same_name_prefix, fs_join)

    @pytest.fixture
    def fs_10_files_with_hashed_names(
        self, fs: Any, fs_join: Any, fs_path: str, project: Project, place: str
    ) -> Iterator[str]:
        yield self._tracked(fs, project, place, self._10_files_with_hashed_names, fs_join)

    def _tracked(self, fs: Any, project: Project, place: str, make: Callable[..., str], join: Any) -> str:
        make(LocalFileSystem(auto_mkdir=True), join, str(project.path))
        project.dvcx("add", "source").ok()
        project.commit(message="source")
        if place == "remote":
            far_away(project)
        elif place == "cache":
            for path in sorted((project.path / "source").rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            (project.path / "source").rmdir()
        fs.invalidate_cache()
        return "source"


class TestGet(ReadOnlyFixtures, AbstractGetTests):  # type: ignore[misc]
    def test_get_directory_recursive(
        self, fs: Any, fs_join: Any, fs_path: Any, local_fs: Any, local_join: Any, local_target: Any, project: Project
    ) -> None:
        """The suite's own writes its files through the filesystem; this is the same with files that were added."""
        project.save({"src/file": ""}, "src")
        fs.invalidate_cache()
        target = local_target
        for source, folder in (("src", target), ("src/", target)):
            assert not local_fs.exists(folder)
            fs.get(source, folder, recursive=True)
            assert local_fs.isfile(local_join(folder, "file"))
            local_fs.rm(folder, recursive=True)
        local_fs.mkdir(target)
        fs.get("src", target, recursive=True)
        assert local_fs.isfile(local_join(target, "src", "file"))
        fs.get("src/", target, recursive=True)
        assert local_fs.isfile(local_join(target, "file"))


def test_the_suite_reads_what_it_says_it_reads(project: Project, tmp_path: Path) -> None:
    """The control: from the workspace, from the cache and from the remote come different bytes."""
    project.save({"data/a": "old"}, "data")
    fs = fsspec.filesystem("dvcx", repo=project.path)
    project.write("data/a", "edited")
    assert fs.cat_file("data/a") == b"edited"
    (project.path / "data/a").unlink()
    assert fs.cat_file("data/a") == b"old"
    far_away(project)
    assert fsspec.filesystem("dvcx", repo=project.path).cat_file("data/a") == b"old"
