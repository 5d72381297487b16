"""What a type checker knows of `consul.std`; read by mypy, not run."""

from __future__ import annotations

from typing import Any

from typing_extensions import assert_type

from consul import base
from consul.callback import Indexed
from consul.request import Call
from consul.std import Consul


def calls(client: Consul) -> None:
    assert_type(client.kv.get("key"), Indexed[Any])
    assert_type(client.kv.put("key", b"value", cas=1, ns="team"), bool)
    assert_type(client.kv.delete("key", recurse=True), bool)
    assert_type(client.agent.service.register("web", port=80), bool)
    assert_type(client.agent.check.ttl_pass("service:web"), bool)
    assert_type(client.session.create(ttl=10), str)
    assert_type(client.status.leader(), str)
    assert_type(client.wait_for_leader(timeout=3), str)
    assert_type(client.describe, base.Consul)
    assert_type(client.describe.kv.put("key", "value"), Call[bool])


class Keys(Consul.KV):
    """A subclass of the noun as it is reached through the client."""


class Client(Consul):
    KV = Keys
