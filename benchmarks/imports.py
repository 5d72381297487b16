"""What importing costs, and making a client: CPU milliseconds and microseconds.

    python -m benchmarks.imports

Prints JSON.  Each import is timed in a fresh interpreter, above what a bare one takes.
"""

from __future__ import annotations

import compileall
import json
import statistics
import subprocess
import sys
from pathlib import Path

import consul

RUNS = 25

STATEMENTS = {
    "requests": "import requests",
    "aiohttp": "import aiohttp",
    "tornado": "import tornado.httpclient, tornado.simple_httpclient",
    "treq": "import treq",
    "consul": "import consul",
    "consul.base": "import consul.base",
    "consul.Consul": "import consul; consul.Consul",
    "consul.aio": "import consul.aio",
    "consul.tornado": "import consul.tornado",
    "consul.twisted": "import consul.twisted",
}

CLIENTS = """
import time
from {module} import Consul
made = [Consul() for _ in range(20)]
spent = time.process_time()
made = [Consul() for _ in range(500)]
print((time.process_time() - spent) / 500)
"""


def run(code: str) -> float:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return float(done.stdout)


def spent(statement: str) -> float:
    """CPU seconds of an interpreter that performs *statement*."""
    return run(f"{statement}\nimport time\nprint(time.process_time())")


def main() -> None:
    # As an installation does it, even where the environment keeps Python from doing so.
    compileall.compile_dir(str(Path(consul.__file__).parent), quiet=1)
    times: dict[str, list[float]] = {name: [] for name in ("bare", *STATEMENTS)}
    for _ in range(RUNS):
        for name, found in times.items():
            found.append(spent(STATEMENTS.get(name, "pass")))
    # The least of each: what else runs on the machine only adds to it.
    bare = min(times.pop("bare"))
    clients = {}
    for flavour in ("std", "threads", "aio", "tornado", "twisted"):
        code = CLIENTS.format(module=f"consul.{flavour}")
        clients[flavour] = statistics.median(run(code) for _ in range(3)) * 1e6
    imports = {name: (min(found) - bare) * 1e3 for name, found in times.items()}
    print(json.dumps({"imports": imports, "clients": clients}))


if __name__ == "__main__":
    main()
