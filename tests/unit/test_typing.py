"""The views of consul/_typed are up to date, and say what tests/typing expects of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TYPING = ROOT / "tests" / "typing"
EXPECTED = re.compile(r"# expect: ([\w-]+)$")
REPORTED = re.compile(r"^(.+?):(\d+): error: .*\[([\w-]+)\]$", re.MULTILINE)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_views_are_up_to_date() -> None:
    done = run("tools/typed.py", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_reports_what_is_expected_and_nothing_else() -> None:
    for package in ("mypy", "aiohttp", "tornado", "twisted"):
        pytest.importorskip(package)
    files = sorted(TYPING.rglob("*.py"))
    assert len(files) > 5
    expected = {
        (path.relative_to(ROOT).as_posix(), number, found[1])
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (found := EXPECTED.search(line))
    }
    done = run(
        *("-m", "mypy", "--strict", "--no-error-summary", "--follow-imports=silent"),
        *("--no-pretty", "--no-color-output", "--hide-error-context", "--show-error-codes"),
        *(str(path.relative_to(ROOT)) for path in files),
    )
    assert not done.stderr
    reported = {
        (path.replace("\\", "/"), int(number), code)
        for path, number, code in REPORTED.findall(done.stdout)
    }
    assert reported == expected, done.stdout
