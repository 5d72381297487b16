"""Every Python example of README.md and docs/ is a program that runs against a real agent."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
MARKDOWN = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
RST = re.compile(r"^( *)\.\. code-block:: python\n\n((?:(?:\1 {3}.*)?\n)+)", re.MULTILINE)


def examples() -> Iterator[Any]:
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.rst"))]:
        text = path.read_text(encoding="utf-8")
        for found in (MARKDOWN if path.suffix == ".md" else RST).finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            where = f"{path.relative_to(ROOT).as_posix()}:{line}"
            yield pytest.param(textwrap.dedent(found[found.re.groups]), id=where)


EXAMPLES = list(examples())


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 10


@pytest.fixture
def agent_of(request: pytest.FixtureRequest, server: Path, agents: Any) -> Any:
    """An agent with ACLs for the pages that are about them, else one without."""
    return agents(server, "/acl" in request.node.callspec.id)


@pytest.mark.parametrize("program", EXAMPLES)
def test_example(program: str, agent_of: Any, tmp_path: Path) -> None:
    agent = agent_of
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSUL_")}
    environment |= {
        "CONSUL_HTTP_ADDR": f"127.0.0.1:{agent.port}",
        "PYTHONPATH": str(ROOT),
    }
    if agent.token:
        environment["CONSUL_HTTP_TOKEN"] = agent.token
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environment,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
