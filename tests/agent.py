"""A throw-away Consul agent on 127.0.0.1, for the tests and the demo.

    with Agent(binary, acl=True) as agent:
        consul = Consul(port=agent.port, token=agent.token)

Nothing but the standard library is imported here, so the demo can use it as well.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tools.servers import version_of

# From here on servers know the gRPC port with TLS, and open 8503 unless told otherwise.
GRPC_TLS = (1, 14)

START_TIMEOUT = 30.0
STOP_TIMEOUT = 5.0


class AgentError(RuntimeError):
    """The agent did not come up; the message ends with what its log says."""


class Agent:
    """One real agent, started by `start()` or `with`, under a name of its own.

    `config` is merged over the agent's own settings, so it may override any of them.  `tls` holds
    `ca_file`, `cert_file` and `key_file`, and perhaps `verify_incoming_https`; with it there is an
    `https_port` beside the plain one.  An agent keeps everything in memory; a `persistent` one has
    a data folder, and finds its data again, on the same ports, when started after `stop()` or
    `kill()`.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        binary: str | Path,
        *,
        config: Mapping[str, Any] | None = None,
        acl: bool = False,
        tls: Mapping[str, Any] | None = None,
        name: str | None = None,
        persistent: bool = False,
    ) -> None:
        self.binary = Path(binary)
        self.version = version_of(self.binary)
        self.name = name or f"agent-{uuid.uuid4().hex[:12]}"
        self.token = str(uuid.uuid4()) if acl else None
        self.persistent = persistent
        self.folder = Path(tempfile.mkdtemp(prefix="consul-agent-"))
        self.log = self.folder / "log"
        self._config = dict(config or {})
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None
        self._reserve()

    def _reserve(self) -> None:
        ports = free_ports(5)
        self.port, self.server_port, self.lan_port, self.wan_port, https_port = ports
        self.https_port = https_port if self._tls is not None else None

    def _settings(self) -> dict[str, Any]:
        ports = {
            "http": self.port,
            "server": self.server_port,
            "serf_lan": self.lan_port,
            "serf_wan": -1,
            "dns": -1,
            "grpc": -1,
        }
        if self.https_port is not None:
            ports["https"] = self.https_port
        if self.version >= GRPC_TLS:
            ports["grpc_tls"] = -1
        settings: dict[str, Any] = {
            "node_name": self.name,
            "bind_addr": self.host,
            "client_addr": self.host,
            "ports": ports,
            "log_level": "warn",
            "disable_update_check": True,
            "check_update_interval": "0s",
            "session_ttl_min": "100ms",
            "limits": {"http_max_conns_per_client": 2000},
            **(self._tls or {}),
        }
        if self.token is not None:
            settings["acl"] = {
                "enabled": True,
                "default_policy": "deny",
                # The newer name, initial_management, stops 1.8; this one works on all.
                "tokens": {"master": self.token},
            }
        if self.persistent:
            settings |= {
                "server": True,
                "bootstrap": True,
                "data_dir": str(self.folder / "data"),
                "performance": {"raft_multiplier": 1},
            }
        return merged(settings, self._config)

    def start(self, *, wait: bool = True) -> Agent:
        """Start the agent, again if it was stopped; without `wait` call `wait_ready()` later."""
        first = not self.log.exists()
        self._launch()
        if wait:
            try:
                self.wait_ready()
            except AgentError:
                # Another process may have taken a port since it was found free.  A port that was
                # in use before is part of what the caller knows, and has to stay.
                if not first or "address already in use" not in self._log_tail():
                    raise
                self.kill()
                self._reserve()
                self._launch()
                self.wait_ready()
        return self

    def _launch(self) -> None:
        file = self.folder / "config.json"
        file.write_text(json.dumps(self._settings()))
        mode = [] if self.persistent else ["-dev"]
        # A file, for an agent would stall on a pipe that nobody reads.
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self.binary, "agent", *mode, "-config-file", file],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )

    def wait_ready(self, timeout: float = START_TIMEOUT) -> None:
        """Wait for a leader, and for the node in the catalog: sessions fail before that."""
        deadline = time.monotonic() + timeout
        while not self._is_ready():
            if self._process is None or self._process.poll() is not None:
                raise AgentError(f"agent {self.name} ended before it was ready\n{self._log_tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise AgentError(f"agent {self.name} not ready in {timeout} s\n{self._log_tail()}")
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        try:
            return bool(self.get("/v1/status/leader")) and any(
                node["Node"] == self.name for node in self.get("/v1/catalog/nodes") or ()
            )
        except (OSError, http.client.HTTPException, ValueError):
            return False

    def _log_tail(self) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])

    def request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body of one call, sent with the management token if there is one."""
        headers = {"X-Consul-Token": self.token} if self.token else {}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()

    def get(self, path: str) -> Any:
        """The JSON answer to a GET; ValueError when the status is not 200."""
        status, body = self.request("GET", path)
        if status != 200:
            raise ValueError(f"GET {path}: {status} {body.decode(errors='replace')}")
        return json.loads(body)

    def stop(self) -> None:
        """End the agent in order; it gets killed if that takes too long."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def kill(self) -> None:
        """End the agent at once, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """Stop the agent and remove its folder, log and data included."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Agent:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Agent {self.name} on {self.host}:{self.port}>"


def free_ports(count: int) -> list[int]:
    """Ports free for TCP and UDP, chosen by chance below those that systems give to connections.

    So none is taken by a connection while its agent is being restarted.
    """
    ports: set[int] = set()
    while len(ports) < count:
        port = random.SystemRandom().randrange(10_000, 32_768)
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            contextlib.suppress(OSError),
        ):
            tcp.bind((Agent.host, port))
            udp.bind((Agent.host, port))
            ports.add(port)
    return list(ports)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `over` laid on it, also within nested objects."""
    result = {**base, **over}
    for key in base.keys() & over.keys():
        if isinstance(base[key], Mapping) and isinstance(over[key], Mapping):
            result[key] = merged(base[key], over[key])
    return result
