"""Registrations with real agents, in every flavour."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from consul import Check
from tests.agent import Agent
from tests.flavours import LATE, PATIENCE


def soon(consul, look, wanted):
    """Wait until *look* returns *wanted*; an event loop has to run for it."""
    end = time.monotonic() + LATE
    found = look()
    while found != wanted and time.monotonic() < end:
        consul.status.leader()
        found = look()
    assert found == wanted


def status(other, service):
    """The status of the TTL check, and its output."""
    check = other.agent.checks().get(f"service:{service}:ttl")
    return None if check is None else (check["Status"], check["Output"])


def test_from_the_beginning_to_the_end(consul, other, prefix):
    beats = ["warning", ("critical", "full"), None]
    told = []

    def heartbeat():
        beat = beats[0] if len(beats) == 1 else beats.pop(0)
        told.append(beat)
        return beat

    registration = consul.registration(
        prefix,
        address="10.0.0.7",
        port=80,
        tags=["v1"],
        meta={"a": "b"},
        check=Check.ttl("1h", status="passing"),
        ttl=0.6,
        heartbeat=heartbeat,
    )
    assert registration.registered is False
    registration.start()
    assert registration.registered is True
    service = other.agent.services()[prefix]
    assert (service["Address"], service["Port"], service["Tags"]) == ("10.0.0.7", 80, ["v1"])
    assert service["Meta"] == {"a": "b"}
    assert other.agent.checks()[f"service:{prefix}:1"]["Status"] == "passing"
    assert status(other, prefix)[0] == "critical"
    soon(consul, lambda: status(other, prefix), ("critical", "not ready yet"))
    assert told == []
    registration.ready()
    assert status(other, prefix) == ("warning", "")
    soon(consul, lambda: status(other, prefix), ("critical", "full"))
    soon(consul, lambda: status(other, prefix), ("passing", ""))
    assert registration.status == "passing"
    # It stays so for longer than its TTL.
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        consul.status.leader()
        assert status(other, prefix) == ("passing", "")
    registration.update(tags=["v2"], meta={"c": "d"})
    service = other.agent.services()[prefix]
    assert (service["Tags"], service["Meta"], service["Port"]) == (["v2"], {"c": "d"}, 80)
    assert status(other, prefix)[0] == "passing"
    registration.maintenance(True, "works")
    assert f"_service_maintenance:{prefix}" in other.agent.checks()
    registration.maintenance(False)
    assert f"_service_maintenance:{prefix}" not in other.agent.checks()
    registration.close()
    assert registration.registered is False
    assert prefix not in other.agent.services()
    assert consul._target.http._tasks == set()
    registration.close()


def test_a_heartbeat_that_fails(consul, other, prefix):
    def heartbeat():
        raise ConnectionError("no database")

    registration = consul.registration(prefix, ttl=10, heartbeat=heartbeat, ready=True)
    registration.start()
    assert status(other, prefix)[0] == "critical"
    soon(consul, lambda: status(other, prefix), ("critical", "ConnectionError: no database"))
    registration.close()


def test_a_service_that_is_forgotten(caplog, consul, other, prefix):
    for options in ({}, {"ttl": 30, "ready": True}):
        registration = consul.registration(prefix, port=80, **options)
        registration.start()
        soon(consul, lambda: prefix in other.agent.services(), True)
        registration.maintenance(True, "works")
        # The watch has to be there.
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            consul.status.leader()
        caplog.clear()
        other.agent.service.deregister(prefix)
        soon(consul, lambda: f"{prefix}' is registered again" in caplog.text, True)
        assert prefix in other.agent.services()
        soon(consul, lambda: f"_service_maintenance:{prefix}" in other.agent.checks(), True)
        registration.close()
        assert prefix not in other.agent.services()


def test_an_agent_that_is_restarted(server, make_client, prefix):
    with Agent(server) as agent:
        import consul as direct

        consul = make_client(port=agent.port)
        registration = consul.registration(prefix, port=80, ttl=30, ready=True)
        registration.start()
        agent.kill()
        agent.start()
        with direct.Consul(port=agent.port) as other:
            soon(consul, lambda: prefix in other.agent.services(), True)
            soon(consul, lambda: status(other, prefix), ("passing", ""))
            registration.close()
            assert prefix not in other.agent.services()


def test_it_drains(consul, other, prefix):
    registration = consul.registration(prefix, port=80, drain="700ms")
    registration.start()
    began = time.monotonic()
    seen = []
    import threading

    def look():
        time.sleep(0.35)
        seen.append(f"_service_maintenance:{prefix}" in other.agent.checks())

    thread = threading.Thread(target=look)
    thread.start()
    registration.close()
    thread.join()
    assert seen == [True]
    assert time.monotonic() - began >= 0.7
    assert prefix not in other.agent.services()


async def in_block(registration, other, prefix):
    async with registration:
        assert prefix in other.agent.services()
        raise ZeroDivisionError


def test_a_block_that_fails(flavour, consul, other, prefix):
    target = consul.registration(prefix, port=80)._target
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        if flavour.awaits:
            flavour.call(in_block, target, other, prefix)
        else:
            with target:
                assert prefix in other.agent.services()
                raise ZeroDivisionError
    assert prefix not in other.agent.services()


@pytest.mark.parametrize("flavour", ["aio"], indirect=True)
def test_an_asgi_application(flavour, consul, other, prefix):
    target = consul.registration(prefix, port=80, ttl=30)._target

    async def application():
        async with target.lifespan("app") as state:
            assert state is None
            return status(other, prefix)

    assert flavour.call(application) == ("passing", "")
    assert prefix not in other.agent.services()


#: Programs that register, say so, and wait; or end, where they are given "end".
DIRECT = """
import sys, time, consul{module}
client = consul{module}.Consul(port=int(sys.argv[1]))
registration = client.registration(sys.argv[2], port=80, sigterm=True)
started = registration.start()
if hasattr(started, "result"):
    started.result()
print("registered", flush=True)
if sys.argv[3] == "fork":
    import os
    if os.fork() == 0:
        assert not registration.registered
        sys.exit()
    os.wait()
    print("forked", flush=True)
if sys.argv[3] != "end":
    time.sleep(60)
"""
AWAITED = """
import asyncio, sys, consul.{module}
async def main():
    client = consul.{module}.Consul(port=int(sys.argv[1]))
    async with client.registration(sys.argv[2], port=80, sigterm=True):
        print("registered", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""
TWISTED = """
import sys, consul.twisted
from twisted.internet import reactor
client = consul.twisted.Consul(port=int(sys.argv[1]))
registration = client.registration(sys.argv[2], port=80)
def begin():
    registration.start().addCallback(lambda _: print("registered", flush=True))
    if sys.argv[3] == "end":
        reactor.callLater(0.5, reactor.stop)
reactor.callWhenRunning(begin)
reactor.run()
"""


def program(flavour):
    if flavour.name in ("std", "threads"):
        return DIRECT.format(module=".threads" if flavour.name == "threads" else "")
    return TWISTED if flavour.name == "twisted" else AWAITED.format(module=flavour.name)


@pytest.fixture
def running(flavour, agent, prefix):
    """Start a program that is to end in the way *how*."""
    processes = []

    def start(how):
        command = [sys.executable, "-c", program(flavour), str(agent.port), prefix, how]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        processes.append(process)
        assert process.stdout.readline() == b"registered\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_sigterm(flavour, other, prefix, running):
    process = running("term")
    assert prefix in other.agent.services()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE)
    # Twisted's reactor stops, and so the program ends.
    assert process.returncode == (0 if flavour.name == "twisted" else 143), errors
    assert prefix not in other.agent.services()


@pytest.mark.parametrize("flavour", ["std", "threads", "twisted"], indirect=True)
def test_the_end_of_the_interpreter(other, prefix, running):
    process = running("end")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert errors == b""
    assert prefix not in other.agent.services()


@pytest.mark.parametrize("flavour", ["std", "threads"], indirect=True)
def test_a_forked_process_removes_nothing(other, prefix, running):
    process = running("fork")
    assert process.stdout.readline() == b"forked\n"
    assert prefix in other.agent.services()
