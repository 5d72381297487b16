"""What tools/pythons.py decides by itself: which Python is taken, and what Debian is asked."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from tools import pythons, servers

ROOT = Path(__file__).resolve().parents[2]
FIELDS = {"Uris": "http://mirror.example/debian http://other.example", "Signed-By": "/keys/d.gpg"}


def fake_python(path: Path, version: str, *, works: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    says = f"echo '{version} {path}'" if works else "exit 127"
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def environ(tmp_path):
    return {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home")}


def test_they_are_those_that_the_package_names():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["metadata"]["classifiers"].split("\n")
    start = "Programming Language :: Python :: 3."
    assert [line.removeprefix(start) for line in lines if line.startswith(start)] == [
        version.partition(".")[2] for version in pythons.SUPPORTED
    ]
    assert config["options"]["python_requires"] == f">={pythons.SUPPORTED[0]}"
    assert set(pythons.FROM_DEBIAN) < set(pythons.SUPPORTED)


def test_the_one_on_the_path_is_taken_first(tmp_path, environ):
    on_path = fake_python(tmp_path / "bin" / "python3.14", "3.14")
    fake_python(tmp_path / "home" / ".pyenv" / "versions" / "3.14.2" / "bin" / "python", "3.14")
    assert pythons.here("3.14", environ) == str(on_path)


def test_a_shim_that_refuses_is_passed_over(tmp_path, environ):
    fake_python(tmp_path / "bin" / "python3.14", "3.14", works=False)
    versions = tmp_path / "home" / ".pyenv" / "versions"
    selected = fake_python(versions / "3.14.2" / "bin" / "python", "3.14")
    assert pythons.here("3.14", environ) == str(selected)
    environ["PYENV_ROOT"] = str(tmp_path / "elsewhere")
    assert pythons.here("3.14", environ) is None
    other = fake_python(tmp_path / "elsewhere" / "versions" / "3.14.0" / "bin" / "python", "3.14")
    assert pythons.here("3.14", environ) == str(other)


def test_another_version_and_a_free_threaded_one_are_not_taken(tmp_path, environ):
    fake_python(tmp_path / "bin" / "python3.14", "3.13")
    versions = tmp_path / "home" / ".pyenv" / "versions"
    fake_python(versions / "3.14t-dev" / "bin" / "python", "3.14")
    assert pythons.here("3.14", environ) is None


def test_what_debootstrap_is_asked(tmp_path):
    command = pythons.bootstrap(FIELDS, tmp_path / "unpacked", tmp_path / "system")
    assert command == [
        str(tmp_path / "unpacked" / "usr" / "sbin" / "debootstrap"),
        "--variant=minbase",
        "--include=python3.14,python3.14-venv,python3.15,python3.15-venv,ca-certificates",
        "--keyring=/keys/d.gpg",
        "forky",
        str(tmp_path / "system"),
        "http://mirror.example/debian",
    ]


def test_a_key_within_the_source_is_not_named(tmp_path):
    fields = {**FIELDS, "Signed-By": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n ."}
    command = pythons.bootstrap(fields, tmp_path, tmp_path)
    assert not [each for each in command if each.startswith("--keyring")]


def test_an_archive_that_only_apt_can_read(tmp_path):
    with pytest.raises(servers.Unavailable, match="mirror\\+file:/list"):
        pythons.mirror({"Uris": "mirror+file:/list"})


def test_files_of_authorities_come_along(tmp_path):
    (tmp_path / "ca.pem").write_text("")
    environ = {"PIP_CERT": str(tmp_path / "ca.pem"), "SSL_CERT_FILE": str(tmp_path / "no.pem")}
    found = pythons.files(environ)
    assert tmp_path / "ca.pem" in found
    assert all(path.is_file() for path in found)
    assert tmp_path / "ca.pem" not in pythons.files({})


def test_places_are_named_once(tmp_path, monkeypatch):
    (tmp_path / "home" / ".cache" / "python-consul").mkdir(parents=True)
    (tmp_path / "servers").mkdir()
    monkeypatch.setattr(pythons, "ROOT", tmp_path / "home" / "work")
    (tmp_path / "home" / "work").mkdir()
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(pythons, "SHARED", (tmp_path / "home",))
    environ = {"CONSUL_BIN": f"{tmp_path}/servers/consul:{tmp_path}/absent/consul"}
    assert pythons.places(environ) == [tmp_path / "home", tmp_path / "servers"]


def test_without_root_it_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(pythons, "here", lambda version: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert pythons.main(["run", "3.15", "true"]) == pythons.UNAVAILABLE
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "left out: Python 3.15: it can be had from Debian, but only by root"


def test_the_command_has_the_python_and_its_status_counts(monkeypatch, capfd):
    monkeypatch.setattr(pythons, "here", lambda version: f"/opt/python{version}")
    assert pythons.main(["run", "3.12", "sh", "-c", "echo $PYTHON; exit 3"]) == 3
    assert capfd.readouterr().out == "/opt/python3.12\n"


def test_a_version_that_is_nowhere_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(pythons, "here", lambda version: None)
    assert pythons.main(["run", "3.12", "true"]) == pythons.UNAVAILABLE
    assert capsys.readouterr().err == "left out: Python 3.12: it is not on this machine\n"
