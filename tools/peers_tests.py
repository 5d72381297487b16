"""Runs another project's own tests against this package, on a real agent.

    git clone https://github.com/criteo/py-consul /tmp/py-consul
    python tools/peers_tests.py py-consul /tmp/py-consul

    git clone https://github.com/poppyred/python-consul2 /tmp/python-consul2
    python tools/peers_tests.py python-consul2 /tmp/python-consul2

    git clone https://github.com/cablehead/python-consul /tmp/python-consul
    python tools/peers_tests.py python-consul /tmp/python-consul

Nothing of the other project is kept here, and nothing of its package is imported: its tests are
copied to a folder of their own, which has no package ``consul``.  They run in an environment that
is made once, in the cache folder of this project.  What follows the checkout is passed to pytest.

Tests that fail as they should are in tests/peers/differs.json, by a part of their ids and with the
reason.  The exit code is 1 when another test fails, or when one of those passes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import servers  # noqa: E402

#: What is laid beside the copied tests: see `tests/peers`.
BESIDE = ROOT / "tests" / "peers"
DIFFERS = BESIDE / "differs.json"
#: What the suites import, besides what this package needs.
PACKAGES = (
    *("aiohttp", "packaging", "pyOpenSSL", "pytest", "pytest-asyncio", "pytest-httpserver"),
    *(
        "pytest-rerunfailures",
        "pytest-timeout",
        "pytest-twisted",
        "requests",
        "service-identity",
        "six",
        "tornado",
    ),
    *("treq", "twisted[tls]", "typing-extensions", "urllib3"),
)
#: The server that each suite was written for: its oldest or its newest one.
SERVERS = {"python-consul": min, "python-consul2": min, "py-consul": max}
#: What the older suites write that Python has no more, and what stands for it.
MODERN = (
    (r"\basyncio\.async\(", "asyncio.ensure_future("),
    (r"(\basyncio\.sleep\([^(),]+), loop=loop\)", r"\1)"),
)
#: What pytest is told.  Warnings of theirs do not matter.  Some sleep for a few milliseconds, and
#: are repeated as their own configurations have it.
ARGUMENTS = (
    *("-q", "-ra", "--tb=short", "-p", "no:cacheprovider", "-p", "peers_plugin"),
    *(
        "--continue-on-collection-errors",
        "--timeout=60",
        "--reruns=2",
        "-W",
        "ignore",
        "-o",
        "asyncio_mode=auto",
        "-o",
        "addopts=",
    ),
    *("-o", "asyncio_default_fixture_loop_scope=function"),
)
#: What is said of a method, or of a keyword, that is not here.
MISSING = re.compile(r"has no attribute '[a-z]\w+'|unexpected keyword argument")


def environment() -> Path:
    """The Python of the environment that the suites run in."""
    folder = servers.cache_root() / "peers" / f"{sys.version_info[0]}.{sys.version_info[1]}"
    python, stamp = folder / "bin" / "python", folder / "installed"
    if not stamp.exists() or stamp.read_text() != " ".join(PACKAGES):
        print(f"making {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        subprocess.run([*pip, *PACKAGES], check=True)
        stamp.write_text(" ".join(PACKAGES))
    return python


def lay(checkout: Path, server: servers.Server, work: Path) -> None:
    """Copy the tests of *checkout* to *work*, with what they need of ours."""
    shutil.copytree(checkout / "tests", work / "tests")
    for file in (work / "tests").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        for old, new in MODERN:
            text = re.sub(old, new, text)
        file.write_text(text, encoding="utf-8")
    for file in BESIDE.glob("*.py"):
        shutil.copy(file, work)
    # The older suites have a program of Consul beside their tests.
    for name in ("consul.linux64", "consul.aarch64", "consul.osx"):
        (work / "tests" / name).unlink(missing_ok=True)
        (work / "tests" / name).symlink_to(work / "agent")
    agent = work / "agent"
    # Several agents of the machine cannot have the same port.
    agent.write_text(f'#!/bin/sh\nexec "{server.path}" "$@" -grpc-port=-1\n')
    agent.chmod(0o755)
    if (checkout / "conftest.py").exists():
        text = (checkout / "conftest.py").read_text(encoding="utf-8")
        one = f'CONSUL_VERSIONS = ["{servers.dotted(server.version)}"]'
        text = re.sub(r"^CONSUL_VERSIONS = .*$", one, text, flags=re.MULTILINE)
        (work / "conftest.py").write_text(text, encoding="utf-8")


def run(python: Path, work: Path, arguments: Iterable[str]) -> ElementTree.Element:
    """Run the tests in *work*; the report."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CONSUL_")}
    path = os.pathsep.join((str(work), str(work / "package")))
    (work / "package").mkdir()
    (work / "package" / "consul").symlink_to(ROOT / "consul")
    report = work / "report.xml"
    subprocess.run(
        [python, "-m", "pytest", *ARGUMENTS, f"--junitxml={report}", "tests", *arguments],
        cwd=work,
        env={**kept, "PYTHONPATH": path, "PEERS_AGENT": str(work / "agent")},
        check=False,
    )
    return ElementTree.parse(report).getroot()


def results(report: ElementTree.Element) -> Iterator[tuple[str, str | None]]:
    """Each test with the text of its failure, None where it passed.  The skipped are left out."""
    for case in report.iter("testcase"):
        name = f"{case.get('classname', '')}.{case.get('name')}".removeprefix("tests.")
        if case.find("skipped") is None:
            found = [each for each in case if each.tag in ("failure", "error")]
            yield name, found[0].get("message", "") if found else None


def main(arguments: Iterable[str] | None = None) -> int:
    description = "Runs another project's own tests against this package."
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("project", choices=sorted(SERVERS))
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--server", type=Path, help="the consul program; else one that is here")
    options, rest = parser.parse_known_args(None if arguments is None else list(arguments))
    found = servers.find()
    if options.server is not None:
        path = options.server.resolve()
        found = [servers.Server(servers.version_of(path), path, "given")]
    if not (options.checkout / "tests").is_dir():
        print(f"peers_tests.py: {options.checkout} has no folder tests", file=sys.stderr)
        return 2
    if not found:
        print("peers_tests.py: there is no server; see tools/servers.py", file=sys.stderr)
        return 2
    server = SERVERS[options.project](found)
    print(f"{options.project} on Consul {servers.dotted(server.version)}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        work = Path(folder)
        lay(options.checkout, server, work)
        every = dict(results(run(environment(), work, rest)))
    known = json.loads(DIFFERS.read_text(encoding="utf-8"))[options.project]
    failed = {name: text for name, text in every.items() if text is not None}
    expected = {name: reason for name in every for reason in [reason_of(name, known)] if reason}
    unexpected = {name: text for name, text in failed.items() if name not in expected}
    passed = [name for name in expected if name not in failed]
    print(f"\n{len(every) - len(failed)} of {len(every)} tests pass.")
    for name in failed.keys() & expected.keys():
        print(f"differs  {name}: {expected[name]}")
    for name, text in unexpected.items():
        word = "MISSING" if MISSING.search(first_line(text)) else "FAILS  "
        print(f"{word}  {name}: {first_line(text)}")
    for name in passed:
        print(f"PASSES   {name}: is said to differ")
    return 1 if unexpected or passed else 0


def reason_of(name: str, known: dict[str, str]) -> str | None:
    """Why the test *name* differs, None where it should pass."""
    return next((reason for part, reason in known.items() if part in name), None)


def first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
