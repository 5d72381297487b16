"""Programs of others that hold locks: one over Consul's Go client, and ``consul lock``."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.flavours import PATIENCE, missing
from tools import servers

SOURCE = servers.MODULE / "holder"


@functools.cache
def holder() -> Path:
    """The program of tests/servers/holder, built the first time."""
    try:
        key = hashlib.sha256((SOURCE / "main.go").read_bytes()).hexdigest()[:12]
        folder = servers.cache_root() / "holder" / f"{servers.build_name()}-{key}"
        with servers.workshop(folder) as work:
            if not (folder / "holder").exists():
                servers.run_go(["build", "-o", str(work / "holder"), "./holder"])
                os.replace(work / "holder", folder / "holder")
    except servers.Unavailable as error:
        missing(f"the Go program cannot be built: {error}")
    return folder / "holder"


@contextmanager
def started(*command: object) -> Iterator[subprocess.Popen[str]]:
    """A process that is killed at the end, where it has not ended before."""
    with subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ended(process: subprocess.Popen[str]) -> str:
    """What it prints when its input ends."""
    return process.communicate(timeout=PATIENCE)[0].strip()
