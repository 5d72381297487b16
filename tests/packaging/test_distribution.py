"""What is shipped: it builds, installs into an empty environment, and says what it lacks."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def run(*command: str | Path, cwd: Path) -> str:
    """Standard output of *command*, which must not fail."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with sdist and wheel; the wheel is made from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    return folder


def test_what_is_in_them(built: Path) -> None:
    (wheel,) = built.glob("python_consul-2*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {
        "consul/py.typed",
        "consul/std.py",
        "consul/api/kv.py",
        "consul/core/client.py",
    } <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"consul"}
    (sdist,) = built.glob("python_consul-2*.tar.gz")
    with tarfile.open(sdist) as archive:
        assert any(name.endswith("/consul/aio.py") for name in archive.getnames())


def test_an_empty_environment(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel, cwd=tmp_path)
    program = """if True:
        import consul, consul.std, consul.threads
        from consul.core import answers, request
        # There is no orjson here.
        assert answers.value(request.Response(200, {}, b'{"a": [1]}')) == {"a": [1]}
        print(consul.__version__)
        for name in ("aio", "tornado", "twisted"):
            try:
                getattr(consul, name)
            except ImportError as error:
                print(error)
    """
    version, *hints = run(python, "-W", "error", "-c", program, cwd=tmp_path).splitlines()
    assert version.startswith("2.")
    assert [hint.partition(": ")[2] for hint in hints] == [
        "pip install 'python-consul[aio]'",
        "pip install 'python-consul[tornado]'",
        "pip install 'python-consul[twisted]'",
    ]
