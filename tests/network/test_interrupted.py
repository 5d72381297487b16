"""Recipes cut at random moments: nothing is left.  `make soak` has more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flavours import PATIENCE

ROOT = Path(__file__).parents[2]
COUNT = 40


# Not std: Ctrl-C between any two instructions of Python leaves something now and then, which no
# program can help.  `make soak` shows how often.
@pytest.mark.parametrize("name", ["threads", "aio", "tornado", "twisted"])
def test_nothing_is_left(agent, name, prefix):
    seed = str(os.getpid())
    command = [sys.executable, "-m", "tests.interrupted", str(agent.port), name, prefix]
    done = subprocess.run(
        [*command, str(COUNT), seed], cwd=ROOT, capture_output=True, text=True, timeout=2 * PATIENCE
    )
    assert done.returncode == 0, f"seed {seed}: {done.stdout}{done.stderr}"
