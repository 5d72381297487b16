"""Calls that a type checker refuses, each with the error that it has to report."""

from __future__ import annotations

import consul
from consul import aio, threads

client = consul.Consul()
client.kv.get("key", recursive=True)  # expect: call-arg
client.kv.get(1)  # expect: arg-type
client.kv.put("key", 1)  # expect: arg-type
client.kv.put("key", "value", near="node")  # expect: call-arg
client.kv.write("key", "value")  # expect: attr-defined
client.session.create(ttl=[])  # expect: arg-type
consul.Consul(timeout=1, retries=3)  # expect: call-arg

answer: bool = threads.Consul().kv.put("key", "value")  # expect: assignment
leader: str = aio.Consul().status.leader()  # expect: assignment
number: str = client.kv.get("key").index  # expect: assignment
