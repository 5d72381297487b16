"""What tools/servers.py decides without a server: order, versions, Debian sources."""

import os
from pathlib import Path

import pytest

from tools import servers

DEB822 = """\
# the machine's own
Types: deb deb-src
URIs: http://mirror.example/debian
# a remark within the stanza
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""


def fake_consul(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho 'Consul v{version}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def environ(tmp_path, monkeypatch):
    # With no Go, and so no build of its own, any cached one will do.
    monkeypatch.setattr(servers, "build_name", no_go)
    return {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def no_go():
    raise servers.Unavailable("no Go here")


def test_version_is_read_from_the_first_line():
    text = "Consul v1.22.7\nRevision\nBuild Date 1970-01-01T00:00:01Z\nProtocol 2 spoken\n"
    assert servers.parse_version(text) == (1, 22, 7)
    assert servers.parse_version("Consul v1.8.7\n") == (1, 8, 7)
    assert servers.parse_version("Consul v1.23.0-dev (abc)\n") == (1, 23, 0)


def test_other_programs_are_refused():
    with pytest.raises(servers.Unavailable, match="not the output"):
        servers.parse_version("GNU bash, version 5.2")


def test_sources_are_looked_at_in_order(tmp_path, environ):
    first = fake_consul(tmp_path / "one" / "consul", "1.10.0")
    second = fake_consul(tmp_path / "two" / "consul", "1.11.0")
    on_path = fake_consul(tmp_path / "bin" / "consul", "1.12.0")
    cached = fake_consul(servers.cache_folder(environ) / "1.13.0" / "consul", "1.13.0")
    environ["CONSUL_BIN"] = f"{first}{os.pathsep}{second}"
    assert [(s.origin, s.path, s.version) for s in servers.find(environ)] == [
        ("$CONSUL_BIN", first, (1, 10, 0)),
        ("$CONSUL_BIN", second, (1, 11, 0)),
        ("$PATH", on_path, (1, 12, 0)),
        ("cache", cached, (1, 13, 0)),
    ]


def test_a_version_comes_from_the_first_source_that_has_it(tmp_path, environ):
    mine = fake_consul(tmp_path / "mine", "1.8.7")
    fake_consul(servers.cache_folder(environ) / "1.8.7" / "consul", "1.8.7")
    environ["CONSUL_BIN"] = str(mine)
    assert [server.path for server in servers.find(environ)] == [mine]


def test_the_build_of_this_go_is_preferred(environ, monkeypatch):
    monkeypatch.setattr(servers, "build_name", lambda: "1.22.7-mine")
    cache = servers.cache_folder(environ)
    mine = fake_consul(cache / "1.22.7-mine" / "consul", "1.22.7")
    fake_consul(cache / "1.22.7-other" / "consul", "1.22.7")
    os.utime(mine, (0, 0))
    assert [server.path for server in servers.find(environ)] == [mine]


def test_a_named_binary_has_to_work(tmp_path, environ):
    environ["CONSUL_BIN"] = str(tmp_path / "nothing")
    with pytest.raises(servers.Unavailable, match=r"\$CONSUL_BIN: .*nothing"):
        servers.find(environ)


def test_a_broken_one_on_the_path_is_passed_over(tmp_path, environ, capsys):
    broken = tmp_path / "bin" / "consul"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho no\n")
    broken.chmod(0o755)
    assert servers.find(environ) == []
    assert "ignored" in capsys.readouterr().err


def test_cache_folder_follows_xdg(tmp_path):
    end = Path("python-consul", "servers")
    assert servers.cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / end
    assert servers.cache_folder({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / end
    assert servers.cache_folder({}) == Path.home() / ".cache" / end


def test_missing_servers_are_an_error_in_ci_only(environ, monkeypatch, capsys):
    monkeypatch.setattr(servers, "find", list)
    assert servers.get(fetch=False, build=False) == []
    assert "1.8.7" in capsys.readouterr().err
    with pytest.raises(servers.Unavailable, match="CI needs Consul"):
        servers.get(fetch=False, build=False, ci=True)


def test_no_server_at_all_is_one_clear_line(monkeypatch, capsys):
    monkeypatch.setattr(servers, "find", list)
    assert servers.main(["quickest", "--offline"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "$CONSUL_BIN" in line


def etc(tmp_path: Path, **files: str) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    for name, text in files.items():
        (tmp_path / name.replace("__", "/").replace("_", ".")).write_text(text)
    return tmp_path


def test_deb822_source_is_turned_to_bullseye(tmp_path):
    assert servers.debian_source(
        etc(
            tmp_path,
            **{"sources.list.d__a_sources": "Types: deb\n", "sources.list.d__b_sources": DEB822},
        )
    ) == (
        "Types: deb\n"
        "Uris: http://mirror.example/debian\n"
        "Suites: bullseye\n"
        "Components: main\n"
        "Signed-By: -----BEGIN PGP PUBLIC KEY BLOCK-----\n"
        " .\n"
        " mQINBF\n"
    )


def test_one_line_source_is_turned_to_bullseye(tmp_path):
    line = "deb [arch=amd64,arm64 signed-by=/k.gpg] http://mirror.example/debian/ buster main # x\n"
    assert servers.debian_source(etc(tmp_path, sources_list="# deb\n\n" + line)) == (
        "Types: deb\n"
        "Uris: http://mirror.example/debian/\n"
        "Suites: bullseye\n"
        "Components: main\n"
        "Architectures: amd64 arm64\n"
        "Signed-By: /k.gpg\n"
    )


@pytest.mark.parametrize(
    "stanza",
    [
        "Types: deb\nURIs: http://x.example/linux/debian\nSuites: bookworm\nComponents: stable",
        "Types: deb\nURIs: http://x.example/grafana\nSuites: stable\nComponents: main",
        "Types: deb\nURIs: http://x.example/debian\nSuites: bookworm-security\nComponents: main",
        "Types: deb-src\nURIs: http://x.example/debian\nSuites: bookworm\nComponents: main",
        f"Enabled: no\n{DEB822.split(chr(10) * 2)[0]}",
    ],
)
def test_sources_of_others_are_not_taken_for_debian(tmp_path, stanza):
    folder = etc(tmp_path, **{"sources.list.d__x_sources": stanza})
    with pytest.raises(servers.Unavailable, match="no Debian source"):
        servers.debian_source(folder)
