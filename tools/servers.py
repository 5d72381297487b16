"""Real Consul servers for the tests and the demo: finding them, and getting them.

    python tools/servers.py list      what is on this machine
    python tools/servers.py quickest  one server, the least work to get
    python tools/servers.py all       every server the tests want

Nothing is installed and no root is needed.  Places looked at, in this order: $CONSUL_BIN (one path,
or several joined like $PATH), `consul` on $PATH, and the cache folder.  What is missing is fetched
into the cache: 1.8.7 is Debian's own package, unpacked (seconds); the newest version is built from
its Go module, pinned in tests/servers (some minutes, once).

Standard library only, so that it runs before any environment is made.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

Version = tuple[int, ...]

MODULE = Path(__file__).resolve().parent.parent / "tests" / "servers"
DEBIAN: Version = (1, 8, 7)
DEBIAN_SUITE = "bullseye"
DEBIAN_SUITES = {
    *("buster", "bullseye", "bookworm", "trixie", "forky", "duke", "sid"),
    *("oldoldstable", "oldstable", "stable", "testing", "unstable"),
}


class Unavailable(Exception):
    """A server cannot be had here; the message is one line that says why."""


class Server(NamedTuple):
    version: Version
    path: Path
    origin: str

    def __str__(self) -> str:
        return f"{dotted(self.version)} {self.path}"


def dotted(version: Version) -> str:
    return ".".join(map(str, version))


def parse_version(text: str) -> Version:
    """(1, 22, 7) from the output of `consul version`."""
    match = re.search(r"^Consul v(\d+)\.(\d+)\.(\d+)", text, re.MULTILINE)
    if match is None:
        raise Unavailable(f"not the output of `consul version`: {text[:80]!r}")
    return tuple(map(int, match.groups()))


@functools.cache
def version_of(binary: Path) -> Version:
    """The version a Consul binary says it is."""
    try:
        done = subprocess.run(
            [binary, "version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{binary} does not run: {error}") from error
    try:
        return parse_version(done.stdout)
    except Unavailable as error:
        raise Unavailable(f"{binary} is no Consul: {error}") from error


def newest_version() -> Version:
    """The version pinned in tests/servers/go.mod."""
    match = re.search(
        r"github\.com/hashicorp/consul v(\d+)\.(\d+)\.(\d+)", (MODULE / "go.mod").read_text()
    )
    assert match is not None
    return tuple(map(int, match.groups()))


def wanted() -> list[Version]:
    """The versions which the tests are written for; in CI all of them have to be there."""
    return [DEBIAN, newest_version()]


# What is there


def cache_root(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of all that this project keeps on the machine."""
    # The XDG specification has relative paths ignored.
    base = environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if os.path.isabs(base) else Path.home() / ".cache"
    return root / "python-consul"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    return cache_root(environ) / "servers"


def candidates(environ: Mapping[str, str] = os.environ) -> Iterator[tuple[str, Path]]:
    """Where servers may be, the preferred ones first, as (origin, path)."""
    for name in filter(None, environ.get("CONSUL_BIN", "").split(os.pathsep)):
        yield "$CONSUL_BIN", Path(name).absolute()
    on_path = shutil.which("consul", path=environ.get("PATH"))
    if on_path is not None:
        yield "$PATH", Path(on_path).absolute()
    cache = cache_folder(environ)
    with contextlib.suppress(Unavailable):
        yield "cache", cache / build_name() / "consul"
    # Builds made with another Go, or from another go.sum, come last: better than none.
    others = cache.glob("*/consul")
    for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True):
        yield "cache", path


def find(environ: Mapping[str, str] = os.environ) -> list[Server]:
    """The servers on this machine, one for each version; nothing is fetched."""
    found: dict[Version, Server] = {}
    for origin, path in candidates(environ):
        if origin == "cache" and not path.exists():
            continue
        try:
            version = version_of(path)
        except Unavailable as error:
            if origin == "$CONSUL_BIN":
                raise Unavailable(f"$CONSUL_BIN: {error}") from error
            say(f"ignored: {error}")
            continue
        found.setdefault(version, Server(version, path, origin))
    return list(found.values())


def how_to_get(version: Version) -> str:
    """One sentence for the version that is not there."""
    if version == DEBIAN:
        way = "is fetched on Debian, where apt-get and dpkg are"
    else:
        way = f"is built where Go {go_needed()} or newer is"
    return f"Consul {dotted(version)} {way} (`make test`), or name its binary in $CONSUL_BIN"


# Getting the rest


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """An empty folder beside the target, for one process at a time.

    The lock goes with the process that holds it, so whatever an interrupted run has left is swept
    away by the next one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for the process that is getting {folder.name}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        work = folder / ".work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def kept(name: str, version: Version, make: Callable[[Path], Path]) -> Server:
    """The server cached under this name, made first if it is not there."""
    folder = cache_folder() / name
    target = folder / "consul"
    with workshop(folder) as work:
        if not target.exists():
            made = make(work)
            if version_of(made) != version:
                raise Unavailable(f"got Consul {dotted(version_of(made))}, not {dotted(version)}")
            os.replace(made, target)
    return Server(version, target, "cache")


def fetch_debian() -> Server:
    """Debian's package, from the machine's own mirror, unpacked."""
    needs("apt-get", "dpkg")
    source = debian_source()
    return kept(dotted(DEBIAN), DEBIAN, lambda work: unpack_debian(source, work))


def needs(*tools: str) -> None:
    for tool in tools:
        if shutil.which(tool) is None:
            raise Unavailable(f"a package of Debian's is needed, and there is no {tool} here")


def unpack_debian(source: str, work: Path) -> Path:
    say(f"fetching Consul {dotted(DEBIAN)}, a package of Debian {DEBIAN_SUITE}")
    return unpack("consul", source, work) / "usr" / "bin" / "consul"


def unpack(package: str, source: str, work: Path) -> Path:
    """The folder in which the files of a Debian package are, which comes from *source*."""
    for name in ("parts", "preferences", "lists/partial", "cache/archives/partial", "deb"):
        (work / name).mkdir(parents=True)
    (work / "parts" / "debian.sources").write_text(source)
    settings = {
        "Dir::Etc::SourceParts": work / "parts",
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::PreferencesParts": work / "preferences",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work / "cache",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        # The download user cannot look into a private folder of root's, and apt would only warn.
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-qq", *(f"-o{key}={value}" for key, value in settings.items())]
    run([*apt, "update"], work)
    run([*apt, "download", package], work / "deb")
    (file,) = (work / "deb").glob(f"{package}_*.deb")
    run(["dpkg", "-x", str(file), "unpacked"], work)
    return work / "unpacked"


def run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        last = done.stdout.strip().splitlines()[-1:] or ["no output"]
        subject = f"{command[0]} {command[-1]}"
        raise Unavailable(f"`{subject}` failed with status {done.returncode}: {last[0]}")


def debian_source(etc: Path = Path("/etc/apt"), suite: str = DEBIAN_SUITE) -> str:
    """The machine's own Debian source, turned to the suite that has the package."""
    changed = {**debian_fields(etc), "Types": "deb", "Suites": suite, "Components": "main"}
    return "".join(f"{name}: {value}\n" for name, value in changed.items())


def debian_fields(etc: Path = Path("/etc/apt")) -> dict[str, str]:
    """The fields of the machine's own Debian source."""
    parts = etc / "sources.list.d"
    for path in sorted(parts.glob("*.sources")):
        for fields in stanzas(path.read_text(errors="replace")):
            if is_debian(fields):
                return fields
    for path in (etc / "sources.list", *sorted(parts.glob("*.list"))):
        if path.exists():
            for line in path.read_text(errors="replace").splitlines():
                fields = one_line(line)
                if is_debian(fields):
                    return fields
    raise Unavailable(f"no Debian source in {etc}, so no package of Debian's")


def stanzas(text: str) -> Iterator[dict[str, str]]:
    """The stanzas of a deb822 file; values keep their continuation lines."""
    text = re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields = re.findall(r"^([^\s:]+):((?:.*)(?:\n[ \t].*)*)", stanza, re.MULTILINE)
        yield {name.title(): value.strip() for name, value in fields}


def one_line(line: str) -> dict[str, str]:
    """The fields of a `deb [options] uri suite component...` line."""
    match = re.match(r"\s*deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)", line)
    if match is None:
        return {}
    options, uri, suite, components = match.groups()
    fields = {"Types": "deb", "Uris": uri, "Suites": suite, "Components": components.strip()}
    for name, value in re.findall(r"([\w-]+)=(\S+)", options or ""):
        fields[{"arch": "Architectures"}.get(name, name.title())] = value.replace(",", " ")
    return fields


def is_debian(fields: Mapping[str, str]) -> bool:
    """Whether these fields are the Debian archive's: others use its suite names too."""
    uris = fields.get("Uris", "").split()
    return (
        fields.get("Enabled", "yes").lower() not in {"no", "false", "0", "off", "without"}
        and "deb" in fields.get("Types", "").split()
        and "main" in fields.get("Components", "").split()
        and not DEBIAN_SUITES.isdisjoint(fields.get("Suites", "").split())
        and (
            "debian-archive" in fields.get("Signed-By", "")
            or any(uri.rstrip("/").endswith("/debian") for uri in uris)
        )
    )


def go_needed() -> str:
    match = re.search(r"^go (\S+)", (MODULE / "go.mod").read_text(), re.MULTILINE)
    assert match is not None
    return match[1]


def go_environment() -> dict[str, str]:
    # Flags and workspaces set up for other modules (-mod=vendor, say) would break this build.
    flags = "-mod=readonly -buildvcs=false"
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": flags, "GOWORK": "off"}


def run_go(command: list[str]) -> str:
    """What Go prints in the module of the servers."""
    try:
        # With automatic toolchains this is the one go.mod asks for, not the one installed.
        done = subprocess.run(
            ["go", *command],
            cwd=MODULE,
            env=go_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    except OSError as error:
        raise Unavailable("no Go here") from error
    if done.returncode:
        failure = f"`go {command[0]}` failed"
        raise Unavailable((done.stderr.strip().splitlines() or [failure])[-1])
    return done.stdout.strip()


@functools.cache
def go_version() -> str:
    """The version of Go that would build the server."""
    return run_go(["version"])


@functools.cache
def build_name() -> str:
    """The cache folder of the build: another go.sum or another Go is another build."""
    pinned = b"\0".join((MODULE / name).read_bytes() for name in ("go.mod", "go.sum"))
    key = hashlib.sha256(pinned + go_version().encode()).hexdigest()[:12]
    return f"{dotted(newest_version())}-{key}"


def build_newest() -> Server:
    """The newest version, built from its Go module."""
    try:
        name = build_name()
    except Unavailable as error:
        version = dotted(newest_version())
        raise Unavailable(
            f"Consul {version} is built with Go {go_needed()} or newer: {error}"
        ) from error
    return kept(name, newest_version(), compile_newest)


def compile_newest(work: Path) -> Path:
    version = dotted(newest_version())
    say(f"building Consul {version} with Go; about four minutes the first time, then never again")
    command = ["go", "build", "-v", "-trimpath", "-ldflags=-s -w", "-o", str(work / "consul")]
    process = subprocess.Popen(
        [*command, "github.com/hashicorp/consul"],
        cwd=MODULE,
        env=go_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    with process:
        try:
            lines = follow(process)
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise Unavailable(f"building Consul {version} failed: {' | '.join(lines)}")
    return work / "consul"


def follow(process: subprocess.Popen[str]) -> list[str]:
    """Show how a build gets on, and return the last lines it printed."""
    downloads = packages = 0
    last: deque[str] = deque(maxlen=5)

    def read() -> None:
        nonlocal downloads, packages
        assert process.stderr is not None
        for line in process.stderr:
            last.append(line.strip())
            if line.startswith("go: downloading"):
                downloads += 1
            else:
                packages += 1

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    live = sys.stderr.isatty()
    start = time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1 if live else 20)
        ended = process.returncode is not None
        progress = (
            f"  {time.monotonic() - start:4.0f} s: "
            f"{downloads} modules downloaded, {packages} packages compiled"
        )
        print(f"\r{progress}" if live else progress, file=sys.stderr, flush=True, end="")
        if ended or not live:
            say("")
        if ended:
            reader.join()
            return list(last)


def get(*, fetch: bool = True, build: bool = True, ci: bool = False) -> list[Server]:
    """The servers that are here, and after them those that can be had.

    What cannot be had is said on stderr.  In CI it is an error, for a run that leaves out a version
    must not pass there unnoticed.
    """
    servers = find()
    makers = {DEBIAN: (fetch, fetch_debian), newest_version(): (build, build_newest)}
    for version in wanted():
        if any(server.version == version for server in servers):
            continue
        allowed, make = makers[version]
        try:
            if not allowed:
                raise Unavailable(how_to_get(version))
            servers.append(make())
        except (Unavailable, OSError) as error:
            if ci:
                raise Unavailable(f"CI needs Consul {dotted(version)}: {error}") from error
            say(f"left out: {error}")
    return servers


def quickest(*, fetch: bool = True, build: bool = True) -> Server:
    """A server that is here, else the one got with the least work."""
    for server in find():
        return server
    reasons = []
    for allowed, make in ((fetch, fetch_debian), (build, build_newest)):
        if allowed:
            try:
                return make()
            except (Unavailable, OSError) as error:
                reasons.append(str(error))
    raise Unavailable("; ".join([NONE, *reasons]))


NONE = "no Consul server: put `consul` on $PATH, or name one in $CONSUL_BIN"


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Finds and gets Consul servers for the tests.")
    parser.add_argument("what", choices=["list", "quickest", "all"])
    parser.add_argument("--no-build", action="store_true", help="build nothing with Go")
    parser.add_argument("--offline", action="store_true", help="take only what is here")
    options = parser.parse_args(None if arguments is None else list(arguments))
    fetch, build = not options.offline, not (options.offline or options.no_build)
    try:
        if options.what == "quickest":
            print(quickest(fetch=fetch, build=build).path)
            return 0
        if options.what == "list":
            servers = find()
        else:
            ci = os.environ.get("CI", "").lower() in {"true", "1"}
            servers = get(fetch=fetch, build=build, ci=ci)
        for server in servers:
            print(server)
        if not servers:
            raise Unavailable(NONE)
    except (Unavailable, OSError) as error:
        say(f"servers.py: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
