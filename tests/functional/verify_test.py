from __future__ import annotations

from tests.project import Project


def test_all_is_well(project: Project) -> None:
    project.save({"data/a": "1"})
    project.commit({"dvcx.yaml": "stages: {}\n", "sub/dvcx.lock": "dvcx: 1\nstages: {}\n"})
    assert project.json("verify") == {"checked": 3, "problems": {}}


def test_what_cannot_be_used_is_named(project: Project) -> None:
    project.save({"data/a": "1"})
    project.commit(
        {
            "data.dvcx": "<<<<<<< ours\n=======\n>>>>>>> theirs\n",
            "bad.dvcx": "dvcx: 1\n",
            "dvcx.lock": "a: [\n",
            "sub/dvcx.yaml": "a: 1\n<<<<<<< ours\n",
        }
    )
    project.write(".dvcx/config.local.toml", "")
    project.git("add", "--force", ".dvcx/config.local.toml")
    run = project.dvcx("verify", "--json")
    assert run.code == 3
    problems = run.json["problems"]
    assert set(problems) == {"data.dvcx", "bad.dvcx", "dvcx.lock", "sub/dvcx.yaml", ".dvcx/config.local.toml"}
    assert "conflict markers" in problems["data.dvcx"] and "conflict markers" in problems["sub/dvcx.yaml"]
    assert "secrets" in problems[".dvcx/config.local.toml"]


def test_of_a_conflict_the_hint_is_to_resolve_it(project: Project) -> None:
    both = "<<<<<<< ours\n=======\n>>>>>>> theirs\n"
    for path, hint in (
        ("data.dvcx", "`dvcx resolve`"),
        ("dvcx.lock", "`dvcx resolve`"),
        ("dvcx.yaml", "put them right"),
    ):
        project.commit({path: both})
        run = project.dvcx("verify")
        assert run.code == 3
        assert f"hint: {hint}" in run.err, path
        project.git("rm", "-q", path)


def test_a_secret_in_the_tracked_configuration_is_refused(project: Project) -> None:
    with (project.path / ".dvcx/config.toml").open("a") as config:
        config.write('[remote.store]\nurl = "s3://x"\nsecret = "hunter2"\n')
    run = project.dvcx("verify")
    assert run.code == 6 and "hunter2" not in run.err
