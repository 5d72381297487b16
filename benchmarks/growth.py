"""How time and memory grow with the number of items: ours beside requests, with the same parser.

    python -m benchmarks.growth PORT            all sizes, as JSON
    python -m benchmarks.growth PORT SIDE PATH  one read in this process

Every size is read in a process of its own, so that the peak is that of one answer.
"""

from __future__ import annotations

import base64
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from typing import Any

INSTANCES = (10, 100, 1000, 5000)
KEYS = (10, 1000, 20000)
READS = 9


def path(kind: str, size: int) -> str:
    return f"/v1/health/service/growth-{size}" if kind == "instances" else f"/v1/kv/growth-{size}/"


def one(port: int, side: str, target: str) -> dict[str, float]:
    """CPU milliseconds of a read, and the MiB that it allocated at most at a time."""
    from consul import callback

    keys = target.startswith("/v1/kv/")
    name = target.rstrip("/").rpartition("/")[2]
    read: Any
    if side == "consul":
        import consul

        client = consul.Consul(port=port)

        def read() -> Any:
            if keys:
                return client.kv.get(f"{name}/", recurse=True)[1]
            return client.health.service(name)[1]
    else:
        import requests

        session = requests.Session()
        url = f"http://127.0.0.1:{port}{target}"

        def read() -> Any:
            params = {"recurse": "1"} if keys else None
            headers = {"Accept-Encoding": "identity"}
            found = callback._loads(session.get(url, params=params, headers=headers).content)
            if keys:
                for pair in found:
                    pair["Value"] = base64.b64decode(pair["Value"])
            return found

    times = []
    for _ in range(READS):
        spent = time.process_time()
        found = read()
        times.append(time.process_time() - spent)
        del found
    tracemalloc.start()
    read()
    peak = tracemalloc.get_traced_memory()[1]
    return {"cpu": statistics.median(times) * 1e3, "peak": peak / 2**20}


def main() -> None:
    port = int(sys.argv[1])
    if len(sys.argv) > 2:
        print(json.dumps(one(port, *sys.argv[2:])))
        return
    results: dict[str, Any] = {}
    for kind, sizes in (("instances", INSTANCES), ("keys", KEYS)):
        for size in sizes:
            for side in ("consul", "requests"):
                command = [sys.executable, "-m", "benchmarks.growth", str(port), side]
                done = subprocess.run(
                    [*command, path(kind, size)], capture_output=True, check=True, text=True
                )
                results.setdefault(kind, {}).setdefault(str(size), {})[side] = json.loads(
                    done.stdout
                )
    print(json.dumps(results))


if __name__ == "__main__":
    main()
