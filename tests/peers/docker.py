"""A stand-in for the package docker: what it runs as containers are agents of this machine.

The tests of py-consul start their servers with it; see tools/peers_tests.py.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import types
from pathlib import Path
from typing import Any


class APIError(Exception):
    """As docker has it; never raised."""


class NotFound(APIError):
    """As docker has it; never raised."""


class Container:
    """An agent."""

    def __init__(self, command: str, environment: dict[str, str]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="peers-agent-"))
        config = self._folder / "config.json"
        config.write_text(environment["CONSUL_LOCAL_CONFIG"])
        http, server, lan, wan = free_ports(4)
        self._log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            [
                os.environ["PEERS_AGENT"],
                *command.split(),
                f"-config-file={config}",
                "-bind=127.0.0.1",
                f"-http-port={http}",
                f"-server-port={server}",
                f"-serf-lan-port={lan}",
                f"-serf-wan-port={wan}",
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self.attrs = {"NetworkSettings": {"Ports": {"8500/tcp": [{"HostPort": str(http)}]}}}

    def reload(self) -> None:
        pass

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def remove(self, force: bool = False) -> None:
        self.stop()
        self._log.close()
        shutil.rmtree(self._folder)

    def logs(self) -> bytes:
        return (self._folder / "log").read_bytes()


class Containers:
    def run(self, image: str, command: str, **config: Any) -> Container:
        return Container(command, config["environment"])

    def get(self, name: str) -> Container:
        raise NotFound(name)


class DockerClient:
    containers = Containers()


def from_env() -> DockerClient:
    return DockerClient()


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in held]


errors = types.ModuleType("docker.errors")
vars(errors).update(APIError=APIError, NotFound=NotFound)
sys.modules["docker.errors"] = errors
