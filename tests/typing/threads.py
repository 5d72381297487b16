"""What a type checker knows of `consul.threads`; read by mypy, not run."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from typing_extensions import assert_type

from consul import base
from consul.callback import Indexed
from consul.request import Call
from consul.threads import Consul


def calls(client: Consul) -> None:
    assert_type(client.kv.get("key"), Future[Indexed[Any]])
    assert_type(client.kv.put("key", b"value", cas=1, ns="team"), Future[bool])
    assert_type(client.kv.delete("key", recurse=True), Future[bool])
    assert_type(client.agent.service.register("web", port=80), Future[bool])
    assert_type(client.agent.check.ttl_pass("service:web"), Future[bool])
    assert_type(client.session.create(ttl=10), Future[str])
    assert_type(client.status.leader(), Future[str])
    assert_type(client.wait_for_leader(timeout=3), Future[str])
    assert_type(client.describe, base.Consul)
    assert_type(client.describe.kv.put("key", "value"), Call[bool])


class Keys(Consul.KV):
    """A subclass of the noun as it is reached through the client."""


class Client(Consul):
    KV = Keys
