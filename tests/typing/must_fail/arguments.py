"""Calls that a type checker refuses, each with the error that mypy has to report."""

from __future__ import annotations

import consul
from consul import aio, threads

client = consul.Consul()
client.kv.get("key", recursive=True)  # expect: call-overload
client.kv.get("key", recurse="yes")  # expect: call-overload
client.kv.get(1)  # expect: call-overload
client.kv.put("key", 1)  # expect: arg-type
client.kv.put("key", "value", near="node")  # expect: call-arg
client.kv.write("key", "value")  # expect: attr-defined
client.health.service("web", pasing=True)  # expect: call-arg
client.session.create(ttl=[])  # expect: arg-type
client.token = 5  # expect: assignment
consul.Consul(timeout=1, retries=3)  # expect: call-arg
client.watch(client.health.service, "web", pasing=True)  # expect: call-arg
client.watched(client.health.service)  # expect: call-overload
client.lock("key", timeut=5)  # expect: call-arg
client.discover("web", pasing=True)  # expect: call-arg
client.registration("web", prt=80)  # expect: call-arg
client.run_once("key", print)  # expect: call-arg
client.semaphore("prefix", "2")  # expect: arg-type
client.election("key")  # expect: call-arg
with aio.Consul().lock("key"):  # expect: misc
    pass
for _leader in aio.Consul().election("key", "me").observe():  # expect: misc
    pass

answer: bool = threads.Consul().kv.put("key", "value")  # expect: assignment
leader: str = aio.Consul().status.leader()  # expect: assignment
number: str = client.kv.get("key").index  # expect: assignment
index, pair = client.kv.get("key")
whole: int = index  # expect: assignment
value = pair["Value"]  # expect: index
keys: list[bytes] | None = client.kv.get("key", keys=True).data  # expect: assignment
