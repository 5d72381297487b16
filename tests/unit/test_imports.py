"""Who may import whom, and that the core loads no I/O library."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import consul

ROOT = Path(consul.__file__).parent
IO = ["requests", "aiohttp", "tornado", "twisted", "treq", "asyncio", "threading", "socket"]
FLAVOURS = ["std", "threads", "aio", "tornado", "twisted"]
#: What belongs to one flavour, or to some, and does I/O.
IO_PARTS = {"loops", "workers"}.union(
    path.stem for name in FLAVOURS for path in ROOT.glob(f"{name}_*.py")
)

CORE = [
    "exceptions",
    "steps",
    "values",
    "request",
    "retry",
    "exchange",
    "address",
    "tls",
    "proxy",
    "callback",
    "check",
    "config",
    "compat",
    "base",
    *sorted(
        f"{folder}.{path.stem}"
        for folder in ("api", "recipes")
        for path in (ROOT / folder).glob("*.py")
        if path.stem != "__init__"
    ),
]

#: What each module may import at run time, besides itself; a folder stands for its modules.
ALLOWED = {
    "exceptions": set(),
    "steps": set(),
    "values": set(),
    "request": {"exceptions", "steps", "values"},
    "retry": {"exceptions", "request", "steps"},
    "exchange": {"request", "steps", "values"},
    "address": {"values"},
    "tls": set(),
    "proxy": {"address"},
    "callback": {"exceptions", "request"},
    "check": {"request", "values"},
    "config": {"address", "proxy", "request", "retry", "tls", "values", "version"},
    "compat": {"callback", "request", "values"},
    "api": {"api", "callback", "check", "request", "values"},
    "recipes": {"exceptions", "recipes", "steps"},
}


def arrows(path):
    """The modules of this package, first names only, that *path* imports at run time."""
    found = set()

    def visit(node):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            for child in node.orelse:
                visit(child)
            return
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("consul"):
            inside = node.module.split(".")[1:]
            found.update(inside[:1] or (name.name for name in node.names))
        elif isinstance(node, ast.Import):
            found.update(n.name.split(".")[1] for n in node.names if n.name.startswith("consul."))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


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


@pytest.mark.parametrize("name", [name for name in CORE if name != "base"])
def test_arrows(name):
    folder = name.partition(".")[0]
    found = arrows(ROOT.joinpath(*name.split(".")).with_suffix(".py"))
    assert found <= ALLOWED[folder]


@pytest.mark.parametrize("name", FLAVOURS)
def test_flavours_never_import_each_other(name):
    others = arrows(ROOT / f"{name}.py") & set(FLAVOURS) - {name}
    # Its workers run the blocking client.
    assert others == ({"std"} if name == "threads" else set())


def test_base_imports_no_flavour():
    assert not arrows(ROOT / "base.py") & {*FLAVOURS, *IO_PARTS}


@pytest.mark.parametrize("name", sorted(IO_PARTS))
def test_parts_of_flavours_import_the_core_and_each_other(name):
    found = arrows(ROOT / f"{name}.py")
    others = {part for part in IO_PARTS if part.partition("_")[0] != name.partition("_")[0]}
    if name == "loops":
        # The class that two flavours derive theirs from.
        found -= {"base"}
    assert not found & {*FLAVOURS, *others - {"loops"}, "base"}


def test_every_module_is_accounted_for():
    known = {*CORE, *FLAVOURS, *IO_PARTS, "lifecycle", "version", "__init__"}
    assert {path.stem for path in ROOT.glob("*.py")} - known == set()


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
        consul._warn_of_peers(str(tmp_path))


def test_others_are_not_warned_of(tmp_path, recwarn):
    for name in (
        "python_consul-2.0.0.dist-info",
        "py_consul_other-1.dist-info",
        "requests-2.dist-info",
    ):
        (tmp_path / name).mkdir()
    consul._warn_of_peers(str(tmp_path))
    assert not recwarn.list
