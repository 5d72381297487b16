"""What type checkers know of the clients is what tests/typing expects of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.flavours import missing

ROOT = Path(__file__).resolve().parent.parent.parent
TYPING = ROOT / "tests" / "typing"
FILES = sorted(path.relative_to(ROOT).as_posix() for path in TYPING.rglob("*.py"))
#: The oldest Python that is supported, and the newest that the checkers know.
VERSIONS = ["3.11", "3.15"]
EXPECTED = re.compile(r"# expect: ([\w-]+)$")
REPORTED = re.compile(r"^(.+?):(\d+): (?:error|warning): .*\[([\w-]+)\]$", re.MULTILINE)
MYPY = (
    *("-m", "mypy", "--strict", "--no-error-summary", "--follow-imports=silent"),
    *("--no-pretty", "--no-color-output", "--hide-error-context", "--show-error-codes"),
)
PYRIGHT = ("-m", "pyright", "--outputjson", "--pythonpath", sys.executable)
#: pyright says nothing of a newer version of itself.
ENVIRONMENT = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}

Run = subprocess.Popen[str]


def expected() -> set[tuple[str, int, str]]:
    """File, line and mypy's code of each error that tests/typing asks for."""
    return {
        (name, number, found[1])
        for name in FILES
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if (found := EXPECTED.search(line))
    }


def started(*command: str) -> Run:
    return subprocess.Popen(
        [sys.executable, *command, *FILES],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[tuple[str, str], Run]]:
    """Each checker with each version of Python, side by side."""
    for package in ("mypy", "pyright", "aiohttp", "tornado", "twisted"):
        pytest.importorskip(package)
    running = {
        (name, version): started(*command, option, version)
        for name, command, option in (
            ("mypy", MYPY, "--python-version"),
            ("pyright", PYRIGHT, "--pythonversion"),
        )
        for version in VERSIONS
    }
    yield running
    for each in running.values():
        # One that nobody has waited for, because its test was not selected.
        if each.returncode is None:
            each.kill()
            each.communicate()


@pytest.fixture(params=VERSIONS)
def done(runs: dict[tuple[str, str], Run], request: pytest.FixtureRequest) -> Callable[[str], str]:
    """What ends a run; returns its output, which must have nothing but reports."""

    def end(name: str) -> str:
        running = runs[name, request.param]
        output, errors = running.communicate(timeout=300)
        if name == "pyright" and not output:
            # It fetches itself when it is first used.
            missing(f"pyright cannot be run: {errors}")
        assert not errors
        return output

    return end


def test_there_is_something_to_check() -> None:
    assert len(FILES) > 5
    assert len(expected()) > 10


def test_mypy_reports_what_is_expected_and_nothing_else(done: Callable[[str], str]) -> None:
    output = done("mypy")
    reported = {
        (path.replace("\\", "/"), int(number), code)
        for path, number, code in REPORTED.findall(output)
    }
    assert reported == expected(), output


def test_pyright_reports_the_same_lines(done: Callable[[str], str]) -> None:
    output = done("pyright")
    found = json.loads(output)
    assert found["summary"]["filesAnalyzed"] == len(FILES)
    reported = {
        (
            Path(each["file"]).relative_to(ROOT).as_posix(),
            each["range"]["start"]["line"] + 1,
        )
        for each in found["generalDiagnostics"]
        if each["severity"] in ("error", "warning")
    }
    assert reported == {(name, number) for name, number, _ in expected()}, output
