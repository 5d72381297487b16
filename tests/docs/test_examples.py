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

from tests.issuer import Issuer

ROOT = Path(__file__).resolve().parent.parent.parent
MARKDOWN = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
RST = re.compile(r"^( *)\.\. code-block:: python\n\n((?:(?:\1 {3}.*)?\n)+)", re.MULTILINE)


def examples() -> Iterator[Any]:
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.rst"))]:
        text = path.read_text(encoding="utf-8")
        for found in (MARKDOWN if path.suffix == ".md" else RST).finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            page = path.relative_to(ROOT).as_posix()
            yield pytest.param(page, textwrap.dedent(found[found.re.groups]), id=f"{page}:{line}")


EXAMPLES = list(examples())
#: The page whose examples need an agent with ACLs.
ACLS = "docs/acl.rst"


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 10


def agent_for(page: str, program: str) -> str:
    """The fixture with the agent that an example needs."""
    if "/acl" not in page:
        return "agent"
    return "fresh_acl_agent" if ".bootstrap(" in program else "acl_agent"


@pytest.mark.parametrize(("page", "program"), EXAMPLES)
def test_example(
    page: str, program: str, server: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    agent = request.getfixturevalue(agent_for(page, program))
    if page == ACLS:
        # Who issues JWTs, and the JWT of a service.
        issuer = Issuer()
        (tmp_path / "issuer.pem").write_text(issuer.public_key)
        (tmp_path / "web.jwt").write_text(issuer.jwt("web"))
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
