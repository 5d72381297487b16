"""Exceptions out of signal handlers, at any moment: the blocking client answers rightly, or fails.

The calls are made in scripts, for signals reach the first thread of a process only.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.network.test_strays import Listener, message, read, written

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer here")

#: Seconds of interruptions, and how many there have to be.
SECONDS = 3
ENOUGH = 50

SCRIPT = """
import faulthandler, random, signal, sys, time
from consul import Consul, ConsulException
port, options, seed = int(sys.argv[1]), eval(sys.argv[2]), int(sys.argv[3])
# It ends with all that runs where something waits for ever.
faulthandler.dump_traceback_later(100, exit=True)
chance = random.Random(seed)

class Interrupted(Exception):
    pass

def interrupt(*_):
    raise Interrupted

signal.signal(signal.SIGALRM, interrupt)
client = Consul(port=port, timeout=20, **options)
# The time of a call, which the moments of the interruptions are drawn from.
began = time.monotonic()
for number in range(20):
    assert client.kv.get(f"w{number}")[1]["Value"] == f"w{number}".encode()
usual = (time.monotonic() - began) / 20
interrupted = calls = 0
until = time.monotonic() + float(sys.argv[4])
while time.monotonic() < until or (interrupted < 50 and time.monotonic() < until + 40):
    calls += 1
    name = f"n{calls}"
    began = time.monotonic()
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, max(2e-5, chance.random() * usual * 1.2))
            if chance.random() < 0.7:
                assert client.kv.get(name)[1]["Value"] == name.encode()
            else:
                assert client.kv.put(name, "me", cas=0) is (calls % 2 == 0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except Interrupted:
        interrupted += 1
    except ConsulException as error:
        # What the library made of an interruption that hit a callback of its own.
        assert time.monotonic() - began < 25, error
    # The next one answers.
    began = time.monotonic()
    assert client.kv.get(name)[1]["Value"] == name.encode()
    assert time.monotonic() - began < 25
client.close()
print(interrupted, calls)
"""


class Numbers(Listener):
    """Answers reads with the name of the key, and writes by whether its number is even."""

    def _serve(self, connection):
        while (request := message(connection)) is not None:
            method, target = request.split(b" ")[:2]
            name = target.decode().partition("?")[0].rpartition("/")[2]
            connection.sendall(read(name) if method == b"GET" else written(int(name[1:]) % 2 == 0))


@pytest.mark.behaviour("Lifecycle", "A client is whole after an exception out of a signal handler")
@pytest.mark.parametrize("flavour", ["std"], indirect=True)
@pytest.mark.parametrize("options", ["{}", "{'max_polls': 1, 'retry': False}"], ids=["any", "once"])
def test_exceptions_out_of_a_signal_handler(flavour, options):
    with Numbers() as server:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(server.port), options, "5", str(SECONDS)],
            capture_output=True,
            text=True,
            timeout=110,
            cwd=ROOT,
        )
    assert done.returncode == 0, done.stderr
    interrupted, calls = map(int, done.stdout.split())
    assert interrupted >= ENOUGH, (interrupted, calls)
