"""Who may import whom, and that the core loads no I/O library."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import consul
from consul.core import peers

ROOT = Path(consul.__file__).parent
IO = ["requests", "aiohttp", "tornado", "twisted", "treq", "asyncio", "threading", "socket"]
FLAVOURS = ["std", "threads", "aio", "tornado", "twisted"]
#: The folder in consul/transport that each flavour is made of.
WORLDS = {
    "std": "blocking",
    "threads": "blocking",
    "aio": "aiohttp",
    "tornado": "tornado",
    "twisted": "twisted",
}
#: The flavours on asyncio's loops, and what they have in common.
LOOPS = "transport.asyncio_loops"
ON_LOOPS = ("aio", "tornado")
DOORS = ["request", "retry", "exchange", "callback"]

#: Place -> the places that it may import from at run time, besides itself.  A place is a module, or
#: a folder with all that is in it.
ALLOWED: dict[str, set[str]] = {
    "version": set(),
    "exceptions": set(),
    "core": {"exceptions", "version"},
    "check": {"core"},
    "codecs": set(),
    "definitions": {"core"},
    "recipes": {"codecs", "check", "core", "exceptions"},
    "api": {"recipes", "codecs", "check", "core", "exceptions"},
    "base": {"api", "recipes", "check", "callback", "core", "exceptions"},
    # Names to be imported by users: for annotations, and where they were before.
    "types": {"api", "check", "core"},
    **{door: {"core"} for door in DOORS},
    # All that the package itself has is loaded when it is touched.
    "__init__": {"version"},
    "transport.__init__": set(),
    LOOPS: {"core", "exceptions"},
    **{f"transport.{world}": {LOOPS, "core", "exceptions"} for world in sorted({*WORLDS.values()})},
    **{
        name: {"base", "core", "exceptions", f"transport.{WORLDS[name]}"}
        | ({LOOPS} if name in ON_LOOPS else set())
        # Its workers run the blocking client.
        | ({"std"} if name == "threads" else set())
        for name in FLAVOURS
    },
}


def modules():
    """The name of each module of the package, without ``consul.`` in front."""
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.rglob("*.py")
    )


def place_of(name):
    """The place in `ALLOWED` that the module *name* is in, None where it is in none."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        place = ".".join(parts[:length])
        if place in ALLOWED:
            return place
    return None


def at_run_time(node):
    """*node* and what is beneath it, less what only type checkers see."""
    if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
        for child in node.orelse:
            yield from at_run_time(child)
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from at_run_time(child)


def imported(source):
    """The modules of this package that *source* imports at run time, within functions as well."""
    for node in at_run_time(ast.parse(source)):
        if isinstance(node, ast.Import):
            found = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: a relative import"
            # What is imported may be a module itself.
            found = [f"{node.module}.{name.name}" for name in node.names]
        else:
            continue
        for name in found:
            package, _, rest = name.partition(".")
            if package == "consul":
                yield rest


def arrows(name):
    """The places, other than its own, that the module *name* imports from."""
    source = ROOT.joinpath(*name.split(".")).with_suffix(".py").read_text(encoding="utf-8")
    return {place_of(found) or found for found in imported(source)} - {place_of(name)}


#: What must load no I/O library.
CORE = [
    name.removesuffix(".__init__")
    for name in modules()
    if place_of(name) in ("exceptions", "core", "check", "api", "recipes", "base", "types", *DOORS)
]


@pytest.fixture(scope="module")
def loaded():
    """Module -> its error or None, each imported afresh where no I/O library can be."""
    code = f"""if True:
        # logging is no I/O of ours, but imports threading.
        import importlib, json, logging, sys
        sys.modules.update(dict.fromkeys({IO}))
        found = {{}}
        for name in {CORE}:
            for old in [each for each in sys.modules if each.partition(".")[0] == "consul"]:
                del sys.modules[old]
            try:
                importlib.import_module("consul." + name)
                found[name] = None
            except Exception as error:
                found[name] = repr(error)
        print(json.dumps(found))
    """
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT.parent, check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", CORE)
def test_core_does_no_io(loaded, name):
    assert loaded[name] is None


def test_every_module_is_in_a_place_and_every_place_has_one():
    assert {name: place_of(name) for name in modules() if place_of(name) is None} == {}
    assert {place_of(name) for name in modules()} == set(ALLOWED)


@pytest.mark.parametrize("name", modules())
def test_arrows(name):
    assert arrows(name) <= ALLOWED[place_of(name)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import consul.core.retry", ["core.retry"]),
        ("import consul.core, consul.std as s, json", ["core", "std"]),
        ("from consul import base, aio", ["base", "aio"]),
        ("from consul.core import tls", ["core.tls"]),
        ("def f():\n    from consul.std import Consul", ["std.Consul"]),
        ("try:\n    import consul.aio\nexcept ImportError:\n    import consul.std", ["aio", "std"]),
        ("if TYPE_CHECKING:\n    from consul import std", []),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    from consul import std", ["std"]),
        ("from consultants import std", []),
    ],
)
def test_what_is_an_import(source, expected):
    assert list(imported(source)) == expected


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("core.steps", "core"),
        ("api.agent.service", "api"),
        ("api.agent.service.Service", "api"),
        ("transport.tornado.connections", "transport.tornado"),
        ("transport.asyncio_loops", LOOPS),
        ("transport.elsewhere", None),
        ("elsewhere", None),
    ],
)
def test_the_place_of_a_module(name, place):
    assert place_of(name) == place


def test_there_is_no_circle_of_places():
    pending = {place: set(allowed) for place, allowed in ALLOWED.items()}
    while pending:
        free = {place for place, allowed in pending.items() if not allowed & pending.keys()}
        assert free, f"a circle of {sorted(pending)}"
        for place in free:
            del pending[place]


@pytest.mark.parametrize("name", FLAVOURS)
def test_flavours_never_import_each_other(name):
    others = arrows(name) & set(FLAVOURS) - {name}
    # Its workers run the blocking client.
    assert others == ({"std"} if name == "threads" else set())


@pytest.mark.parametrize("world", sorted({*WORLDS.values()}))
def test_worlds_never_import_each_other_nor_what_is_above_them(world):
    inside = [name for name in modules() if place_of(name) == f"transport.{world}"]
    assert len(inside) >= 2
    found = set().union(*(arrows(name) for name in inside))
    above = {"base", "api", "recipes", *FLAVOURS}
    assert not found & {f"transport.{other}" for other in WORLDS.values()} | found & above


def test_import_consul_loads_no_flavour():
    code = f"""if True:
        import sys, consul
        print(*(n for n in {FLAVOURS} if "consul." + n in sys.modules))
        print(*(n for n in ("requests", "aiohttp", "tornado", "twisted") if n in sys.modules))
        print(consul.base.__name__, consul.Check.__name__, consul.Consul.__module__)
    """
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT.parent, check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["", "", "consul.base Check consul.std"]


@pytest.mark.parametrize(
    ("flavour", "library"),
    [
        ("std", "requests"),
        ("threads", "requests"),
        ("aio", "aiohttp"),
        ("tornado", "tornado"),
        ("twisted", "twisted"),
    ],
)
def test_a_flavour_loads_no_other_library(flavour, library):
    pytest.importorskip(library)
    code = f"""if True:
        import sys, consul.{flavour}
        libraries = ("requests", "aiohttp", "tornado", "twisted", "treq")
        print(*(name for name in libraries if name in sys.modules))
    """
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT.parent, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == [library]


def test_the_core_loads_nothing_that_takes_long():
    slow = {
        "dataclasses",
        "email",
        "logging",
        "netrc",
        "orjson",
        "random",
        "ssl",
        "urllib.request",
        "zlib",
    }
    code = f"""if True:
        import sys
        before = set(sys.modules)
        import consul.base
        consul.base.Consul("consul.example").kv.get("x")
        print(*({slow} & set(sys.modules) - before))
    """
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT.parent, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize("name", consul.__all__)
def test_lazy_names(name):
    assert getattr(consul, name).__name__ == name
    assert name in dir(consul)


def test_unknown_names():
    with pytest.raises(AttributeError, match=r"has no attribute 'nothing'"):
        _ = consul.nothing


def test_peers_are_warned_of(tmp_path):
    (tmp_path / "py_consul-1.7.1.dist-info").mkdir()
    with pytest.warns(UserWarning, match=r"^py_consul-1\.7\.1 is installed beside"):
        peers.warn_of_peers(str(tmp_path))


def test_others_are_not_warned_of(tmp_path, recwarn):
    for name in (
        "python_consul-2.0.0.dist-info",
        "py_consul_other-1.dist-info",
        "requests-2.dist-info",
    ):
        (tmp_path / name).mkdir()
    peers.warn_of_peers(str(tmp_path))
    assert not recwarn.list


def script(code):
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code],
        cwd=ROOT.parent,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.split(), done.stderr


def test_an_import_reads_no_folder():
    script("""if True:
        import os, requests
        def refuse(*args):
            raise AssertionError("a folder is read")
        # The machinery of imports has functions of its own.
        os.listdir = os.scandir = os.walk = refuse
        import consul
        from consul import base, exceptions, std, threads
    """)


def test_the_warning_of_peers_comes_once_and_with_the_first_client():
    _, errors = script("""if True:
        import os, sys
        import consul.base, consul.std
        from consul.core import peers
        listed = []
        real = os.listdir
        def listdir(folder="."):
            listed.append(folder)
            return [*real(folder), "py_consul-1.7.1.dist-info"]
        os.listdir = listdir
        assert listed == []
        for _ in range(3):
            consul.Consul()
        consul.base.Consul()
        assert len(listed) == 1, listed
    """)
    assert errors.count("py_consul-1.7.1 is installed beside") == 1
    # It names the line that makes the client.
    assert "<string>:13: UserWarning" in errors


def test_only_names_of_ours_are_shown():
    assert dir(consul) == sorted(dir(consul))
    for name in dir(consul):
        value = getattr(consul, name)
        if name != "__version__":
            home = getattr(value, "__module__", None) or value.__name__
            assert home.partition(".")[0] == "consul", name
    assert not {"Any", "os", "TYPE_CHECKING", "import_module", "annotations"} & set(dir(consul))


def test_doors_lead_to_what_they_name():
    from consul import callback, exchange, request, retry
    from consul.core import answers, hooks, limits
    from consul.core import request as core
    from consul.core.retry import Retry

    assert exchange.Exchange is hooks.Exchange
    assert (request.Call, request.Request, request.Response, request.Limits) == (
        core.Call,
        core.Request,
        core.Response,
        limits.Limits,
    )
    assert retry.Retry is Retry
    assert (callback.Indexed, callback.Meta) == (answers.Indexed, answers.Meta)


@pytest.mark.parametrize("name", ["exchange", "request", "retry", "types"])
def test_doors_are_attributes_of_the_package(name):
    assert getattr(consul, name).__name__ == f"consul.{name}"
