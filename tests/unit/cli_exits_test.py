from __future__ import annotations

import errno
import io
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dvcx.base import errors
from dvcx.base.errors import DamagedData, DvcxError, MissingData, Refused, shown
from dvcx.cli import exits
from dvcx.cli.console import Console
from dvcx.cli.exits import FAMILIES, report, trouble_of
from dvcx.cli.settings import Settings, When


def reported(error: BaseException, *, json: bool = False, verbose: int = 0, debug: str = "") -> tuple[int, str]:
    err = io.StringIO()
    console = Console(Settings(json=json, verbose=verbose, colour=When.NEVER), {}, io.StringIO(), err)
    return report(error, console, {"DVCX_DEBUG": debug}), err.getvalue()


def test_each_family_of_errors_has_its_own_exit_code() -> None:
    made = {
        name: trouble_of(kind("x")).family.code
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, DvcxError)
    }
    assert made == {
        "DvcxError": 1,
        "UsageError": 2,
        "DamagedData": 3,
        "MissingData": 4,
        "RemoteError": 5,
        "ArrivedDamaged": 5,
        "Refused": 6,
        "StageFailed": 7,
        "Busy": 75,
    }
    assert len({family.code for family in FAMILIES}) == len({family.kind for family in FAMILIES}) == len(FAMILIES)


def test_a_kind_of_error_defined_elsewhere_has_the_code_of_its_family() -> None:
    class Torn(DamagedData):
        pass

    assert trouble_of(Torn("x")).family is exits.DAMAGED


def test_an_error_is_a_message_and_a_hint() -> None:
    assert reported(Refused("a/\x1b[2J is not saved", "run `dvcx add a`")) == (
        6,
        "error: a/\\x1b[2J is not saved\nhint: run `dvcx add a`\n",
    )
    assert reported(DvcxError("no hint")) == (1, "error: no hint\n")


def test_names_that_the_message_lacks_are_listed() -> None:
    names = [f"n{number}" for number in range(12)]
    assert reported(MissingData("12 files are missing", None, names))[1].splitlines()[-2:] == [
        "  n9",
        "  and 2 more (all with -v)",
    ]
    assert reported(MissingData("12 files are missing", None, names), verbose=1)[1].splitlines()[-1] == "  n11"
    assert reported(MissingData(f"missing: {shown(names)}", None, names))[1].count("\n") == 1
    reasons = "; ".join(f"{name} is a link" for name in names)
    assert reported(MissingData(reasons, None, names))[1].count("\n") == 1, "each is named with its reason already"


def test_an_error_as_json_is_one_line_with_all_names() -> None:
    names = [f"n{number}" for number in range(12)]
    code, text = reported(MissingData("gone", "find them", names), json=True)
    assert (code, text.count("\n")) == (4, 1)
    assert json.loads(text) == {
        "error": {"code": 4, "kind": "missing-data", "message": "gone", "hint": "find them", "names": names}
    }


@pytest.mark.parametrize(
    "number",
    [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ENAMETOOLONG, errno.EMFILE],
)
def test_a_system_error_says_which_file_and_what_to_do(number: int) -> None:
    code, text = reported(OSError(number, os.strerror(number), "data/big\n.bin"))
    assert code == 1
    assert text.startswith("error: data/big\\x0a.bin: ")
    assert "\nhint: " in text


def test_a_system_error_of_two_files_names_both() -> None:
    assert reported(OSError(errno.EXDEV, "x", "a", None, b"b"))[1] == "error: a -> b: invalid cross-device link\n"


def test_a_system_error_without_a_file_says_what_happened() -> None:
    assert reported(OSError(errno.ENOSPC, "x"))[1].startswith(
        "error: no space left on the device\nhint: free some space"
    )


def test_a_bug_is_one_line_and_its_traceback_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    try:
        raise KeyError("x\x1b[31m")
    except KeyError as error:
        code, text = reported(error)
    assert code == 70
    assert text.startswith("error: this is a bug in dvcx: KeyError: 'x\\x1b[31m'\nhint: please report it")
    saved = next(tmp_path.glob("dvcx-bug-*.txt"))
    assert str(saved) in text
    assert "Traceback (most recent call last)" in saved.read_text()
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


def test_a_bug_without_a_place_for_its_traceback_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    assert "the traceback that `-vv` shows" in reported(ValueError())[1]


def test_the_traceback_is_shown_on_request() -> None:
    error = DvcxError("x")
    assert "Traceback" not in reported(error, verbose=1)[1]
    assert "DvcxError: x" in reported(error, verbose=2)[1]
    assert "DvcxError: x" in reported(error, debug="1")[1]


def test_an_interruption_says_how_to_go_on() -> None:
    assert reported(KeyboardInterrupt()) == (130, "error: interrupted; run the same command again to go on\n")


def test_memory_running_out_is_not_a_bug() -> None:
    assert reported(MemoryError())[0] == 1


def test_a_broken_pipe_to_a_program_is_an_error() -> None:
    assert reported(BrokenPipeError(errno.EPIPE, "x")) == (1, "error: broken pipe\n")


def dvcx(
    *words: str, unbuffered: str = "", stdout: int = subprocess.DEVNULL, stderr: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    return subprocess.Popen([sys.executable, "-m", "dvcx", *words], env=environment, stdout=stdout, stderr=stderr)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [["--help"], ["completion", "bash"], ["version", "--json"]])
def test_a_reader_that_went_away_ends_quietly(words: list[str], unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with dvcx(*words, unbuffered=unbuffered, stdout=writer, stderr=subprocess.PIPE) as process:
        os.close(writer)
        assert process.communicate()[1] == b""
    assert process.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_cannot_be_written_is_an_error(unbuffered: str) -> None:
    with (
        open("/dev/full", "wb") as full,
        dvcx("completion", "bash", unbuffered=unbuffered, stdout=full.fileno(), stderr=subprocess.PIPE) as process,
    ):
        text = process.communicate()[1].decode()
    assert process.returncode == 1
    assert re.fullmatch(r"error: the output: no space left on the device\nhint: .*\n", text)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_error_that_cannot_be_told_still_has_its_exit_code() -> None:
    with open("/dev/full", "wb") as full, dvcx("nonsense", stderr=full.fileno()) as process:
        assert process.wait() == 2


def test_control_c_ends_with_130(tmp_path: Path) -> None:
    # Python turns the signal into KeyboardInterrupt wherever it is, also while typer is being imported.
    program = (
        "import os, signal, sys; import dvcx.cli.settings; from dvcx.cli import app;"
        "app.guessed = lambda words: dvcx.cli.settings.Settings();"
        "sys.modules['dvcx.cli.group'] = type(sys)('dvcx.cli.group');"
        "sys.modules['dvcx.cli.group'].invoke = lambda *_: os.kill(os.getpid(), signal.SIGINT);"
        "sys.exit(app.run(['status']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 130
    assert done.stderr == "error: interrupted; run the same command again to go on\n"
