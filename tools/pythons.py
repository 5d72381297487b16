"""The Pythons that are supported: finding them, and getting them.

    python tools/pythons.py list                    which there are, and where
    python tools/pythons.py run 3.15 COMMAND ...    runs a command whose $PYTHON is that version

Versions that this machine has are taken from it: `python3.N` on $PATH, and pyenv's.  What is
missing comes from Debian.  debootstrap, which is unpacked and not installed, lays a small system
with its own Pythons into the cache folder; that takes about a minute, once.  The command then runs
in that system, with the home folder and this repository at their own places.  That takes root.

`run` has the exit status of the command, or 69 if the version cannot be had; a line says why.

Standard library only, so that it runs before any environment is made.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import servers
from tools.servers import Unavailable, say

ROOT = Path(__file__).resolve().parent.parent
#: Those of the classifiers in setup.cfg.
SUPPORTED = ("3.11", "3.12", "3.13", "3.14", "3.15")
#: The suite of Debian, and which of them it has.
SUITE = "forky"
FROM_DEBIAN = ("3.14", "3.15")
#: As sysexits.h names it: a service is unavailable.
UNAVAILABLE = 69
#: Variables that name a file of authorities.
AUTHORITIES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
#: What a network connection and pip need to know of the machine; those that there are.
CONFIGURATION = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/xdg/pip/pip.conf")
#: Folders that are the same in both systems, besides the repository, the home and the cache folder.
SHARED = (Path("/tmp"),)
#: Runs in namespaces of its own, so every mount ends with it, however it ends.
ENTER = """\
set -e
while [ "$1" != -- ]; do
    mkdir -p "$SYSTEM$1"
    mount --bind "$1" "$SYSTEM$1"
    shift
done
shift
mount -t proc proc "$SYSTEM/proc"
mount --rbind /dev "$SYSTEM/dev"
exec chroot "$SYSTEM" /bin/sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"
"""


def candidates(version: str, environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Commands that may be this Python."""
    found = shutil.which(f"python{version}", path=environ.get("PATH"))
    if found is not None:
        yield found
    pyenv = environ.get("PYENV_ROOT") or str(Path(environ.get("HOME", "/")) / ".pyenv")
    # Not those with a suffix, such as 3.14t.
    yield from map(str, sorted(Path(pyenv).glob(f"versions/{version}.[0-9]*/bin/python")))


def here(version: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The Python of this machine; None if there is none that runs and can make environments."""
    program = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2], sys.executable)"
    for command in candidates(version, environ):
        try:
            # pyenv has a `python3.N` on the path for every version, and refuses those not selected.
            done = subprocess.run(
                [command, "-c", program], stdin=subprocess.DEVNULL, capture_output=True, text=True
            )
        except OSError:
            continue
        says, _, path = done.stdout.strip().partition(" ")
        if done.returncode == 0 and says == version:
            return path
    return None


def mirror(fields: Mapping[str, str]) -> str:
    """The address of the archive in the fields of a Debian source."""
    address = fields["Uris"].split()[0]
    if not address.startswith(("http:", "https:", "file:")):
        raise Unavailable(f"debootstrap cannot read the archive {address}")
    return address


def bootstrap(fields: Mapping[str, str], unpacked: Path, target: Path) -> list[str]:
    """The command that lays a system into *target*."""
    packages = [f"python{version}{part}" for version in FROM_DEBIAN for part in ("", "-venv")]
    keyring = fields.get("Signed-By", "")
    return [
        str(unpacked / "usr" / "sbin" / "debootstrap"),
        "--variant=minbase",
        f"--include={','.join([*packages, 'ca-certificates'])}",
        # A key that is written out in the source, and not named, is Debian's own all the same.
        *([f"--keyring={keyring}"] if keyring.startswith("/") else []),
        SUITE,
        str(target),
        mirror(fields),
    ]


def apart(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command whose mounts nobody else sees, and which end with it."""
    return subprocess.run(
        ["unshare", "--mount", "--propagation", "private", *command],
        stdin=subprocess.DEVNULL,
        env={**os.environ, **variables},
        text=True,
    )


def system() -> Path:
    """The folder with Debian's Pythons; it is made if it is not there."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise Unavailable("it can be had from Debian, but only by root")
    servers.needs("apt-get", "dpkg", "unshare", "mount", "chroot", "wget")
    folder = servers.cache_root() / "pythons" / f"{SUITE}-{'-'.join(FROM_DEBIAN)}"
    target = folder / "system"
    with servers.workshop(folder) as work:
        if not target.exists():
            if apart(["mount", "-t", "proc", "proc", "/proc"]).returncode:
                raise Unavailable("it can be had from Debian, but nothing can be mounted here")
            say(f"getting Python {' and '.join(FROM_DEBIAN)} from Debian {SUITE}, about a minute")
            made = lay(work)
            os.replace(made, target)
    return target


def lay(work: Path) -> Path:
    fields = servers.debian_fields()
    unpacked = servers.unpack("debootstrap", servers.debian_source(suite=SUITE), work)
    scripts = unpacked / "usr" / "share" / "debootstrap"
    if not (scripts / "scripts" / SUITE).exists():
        (scripts / "scripts" / SUITE).symlink_to("sid")
    made, log = work / "system", work / "log"
    with log.open("w") as output:
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", *bootstrap(fields, unpacked, made)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "DEBOOTSTRAP_DIR": str(scripts)},
        )
    if done.returncode:
        last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
        raise Unavailable(f"debootstrap failed with status {done.returncode}: {last[0]}")
    return made


def files(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """What of this machine's configuration the other system needs as well."""
    named = [environ[name] for name in AUTHORITIES if os.path.isabs(environ.get(name, ""))]
    paths = (*CONFIGURATION, "/etc/ssl/certs/ca-certificates.crt", *named)
    return [path for path in map(Path, dict.fromkeys(paths)) if path.is_file()]


def places(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """The folders that are the same in both systems, none within another."""
    # Servers that $CONSUL_BIN names are used by the tests.
    binaries = [Path(name).parent for name in environ.get("CONSUL_BIN", "").split(":") if name]
    wanted = [ROOT, Path.home(), servers.cache_root(environ), *SHARED, *binaries]
    found = sorted({path.resolve() for path in wanted if path.is_dir()})
    return [path for path in found if not any(path.is_relative_to(o) for o in found if o != path)]


def run(version: str, command: list[str]) -> int:
    """Run a command that finds the Python of this version in $PYTHON: its exit status."""
    path = here(version)
    if path is not None:
        return subprocess.run(command, env={**os.environ, "PYTHON": path}).returncode
    if version not in FROM_DEBIAN:
        raise Unavailable("it is not on this machine")
    target = system()
    for file in files():
        copy = target / file.relative_to("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    return apart(
        ["/bin/sh", "-c", ENTER, "enter", *map(str, places()), "--", *command],
        SYSTEM=str(target),
        PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        LC_ALL="C.UTF-8",
        PYTHON=f"/usr/bin/python{version}",
    ).returncode


def where(version: str) -> str:
    path = here(version)
    if path is not None:
        return path
    return f"from Debian {SUITE}" if version in FROM_DEBIAN else "not here"


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Finds and gets the Pythons that are supported.")
    kinds = parser.add_subparsers(dest="what", required=True)
    kinds.add_parser("list", help="which there are, and where")
    running = kinds.add_parser("run", help="run a command whose $PYTHON is one of them")
    running.add_argument("version", choices=SUPPORTED)
    running.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(None if arguments is None else list(arguments))
    if options.what == "list":
        for version in SUPPORTED:
            print(version, where(version))
        return 0
    if not options.command:
        parser.error("which command?")
    try:
        return run(options.version, options.command)
    except (Unavailable, OSError) as error:
        say(f"left out: Python {options.version}: {error}")
        return UNAVAILABLE
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
