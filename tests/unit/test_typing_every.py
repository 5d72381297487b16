"""What type checkers know of every endpoint, in each flavour: the answer, exactly.

One file for each flavour is made of the annotations of the endpoints, and read by both checkers.
"""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flavours import missing
from tests.unit.test_endpoints import METHODS, SAMPLES
from tests.unit.test_typing import ENVIRONMENT, MYPY, PYRIGHT, ROOT

#: What the methods of each flavour return, around the answer.
FORMS = {
    "std": "{}",
    "threads": "Future[{}]",
    "aio": "Coroutine[Any, Any, {}]",
    "tornado": "asyncio.Future[{}]",
    "twisted": "Deferred[{}]",
}
HEAD = """from __future__ import annotations

import asyncio
import builtins
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any

from twisted.internet.defer import Deferred
from typing_extensions import assert_type

from consul.api.config import ConfigEntry
from consul.callback import Indexed
from consul.core.flavour import {mark}
from consul.recipes.streams import Stream
from consul.{flavour} import Consul
from consul.types import *


def every(client: Consul, every_one: list[object]) -> None:
"""
ANSWER = re.compile(r"(Call|Listening)\[(.+)\]", re.DOTALL)
#: What the flavours are called in types.
MARKS = {
    "std": "Direct",
    "threads": "Futures",
    "aio": "Awaited",
    "tornado": "Yielded",
    "twisted": "Deferring",
}


def lines(form: str, mark: str = "") -> list[str]:
    """A line for each endpoint whose answer does not depend on its arguments."""
    found = []
    for name, method in METHODS.items():
        kind, answer = ANSWER.fullmatch(inspect.unwrap(method).__annotations__["return"]).groups()
        if re.search(r"\bAny\]?$", answer):
            # Typed by several signatures.
            continue
        signature = inspect.signature(method).parameters.values()
        given = [
            f"{parameter.name}={sample(name, parameter.name)!r}"
            for parameter in signature
            if parameter.default is parameter.empty
            and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
            and parameter.name != "self"
        ]
        call = f"client.{name}({', '.join(given)})"
        typed = form.format(answer) if kind == "Call" else f"Stream[{answer}, {mark}]"
        found.append(f"every_one.append(assert_type({call}, {typed}))")
    return found


def sample(name: str, parameter: str) -> object:
    if parameter == "coord":
        return {"Vec": [0.0], "Error": 0.0, "Adjustment": 0.0, "Height": 0.0}
    return SAMPLES.get(parameter, "7")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("typing")
    made = {}
    for flavour, form in FORMS.items():
        made[flavour] = folder / f"every_{flavour}.py"
        body = "".join(f"    {line}\n" for line in lines(form, MARKS[flavour]))
        head = HEAD.format(flavour=flavour, mark=MARKS[flavour])
        made[flavour].write_text(head + body, encoding="utf-8")
    return made


def test_nearly_all_are_there() -> None:
    found = " ".join(lines("{}"))
    # tests/typing has those with several signatures.  The last one is opaque.
    assert {name for name in METHODS if f"(client.{name}(" not in found} == {
        "agent.metrics",
        "agent.service.health_by_id",
        "agent.service.health_by_name",
        "connect.ca.roots",
        "kv.get",
        "agent.metrics_certificates",
    }


def test_mypy_knows_every_answer(files: dict[str, Path]) -> None:
    for library in ("mypy", "aiohttp", "tornado", "twisted"):
        pytest.importorskip(library)
    done = subprocess.run(
        [sys.executable, *MYPY, *map(str, files.values())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_knows_every_answer(files: dict[str, Path]) -> None:
    for library in ("pyright", "aiohttp", "tornado", "twisted"):
        pytest.importorskip(library)
    done = subprocess.run(
        [sys.executable, *PYRIGHT, *map(str, files.values())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    if not done.stdout:
        missing(f"pyright cannot be run: {done.stderr}")
    found = [
        f"{Path(each['file']).name}:{each['range']['start']['line']}: {each['message']}"
        for each in json.loads(done.stdout)["generalDiagnostics"]
        if each["severity"] == "error"
    ]
    assert not found
