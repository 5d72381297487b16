"""`make soak` in its short form: a client that works for a while keeps nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flavours import missing
from tools import servers

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="there is no /proc here, where sockets are counted"
)


def test_soak() -> None:
    found = servers.find()
    if not found:
        missing(servers.NONE)
    for library in ("aiohttp", "tornado", "twisted"):
        pytest.importorskip(library)
    done = subprocess.run(
        [sys.executable, "tests/soak.py", "--short", str(found[0].path)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
