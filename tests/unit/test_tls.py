"""TLS settings: their types, and the context made of real files."""

from __future__ import annotations

import re
import ssl
import subprocess

import pytest

from consul.core import tls
from consul.core.tls import TLS

trustme = pytest.importorskip("trustme")
PASSWORD = "s3cret"


@pytest.fixture(scope="module")
def ca():
    return trustme.CA()


@pytest.fixture(scope="module")
def server(ca):
    """What a server with a certificate for consul.example needs, asking for one of the client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("consul.example").configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


@pytest.fixture(scope="module")
def authorities(ca, tmp_path_factory):
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    return file


@pytest.fixture(scope="module")
def files(ca, tmp_path_factory):
    """The client's certificate and key: in one file, in two, and with the key encrypted."""
    from cryptography.hazmat.primitives import serialization

    folder = tmp_path_factory.mktemp("client")
    made = ca.issue_cert("client.example")
    both, certificate, key, locked, together = (
        folder / f"{name}.pem" for name in ("both", "certificate", "key", "locked", "together")
    )
    made.private_key_and_cert_chain_pem.write_to_path(str(both))
    made.cert_chain_pems[0].write_to_path(str(certificate))
    made.private_key_pem.write_to_path(str(key))
    encrypted = serialization.load_pem_private_key(
        made.private_key_pem.bytes(), None
    ).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSWORD.encode()),
    )
    locked.write_bytes(encrypted)
    together.write_bytes(encrypted + certificate.read_bytes())
    return {path.stem: str(path) for path in folder.iterdir()}


def shake(client, server, name="consul.example"):
    """Do the handshake in memory; return the client's side and the certificate it showed."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    mine = client.wrap_bio(back, there, server_hostname=name)
    theirs = server.wrap_bio(there, back, server_side=True)
    ended = set()
    while len(ended) < 2:
        for side in (mine, theirs):
            try:
                side.do_handshake()
                ended.add(side)
            except ssl.SSLWantReadError:
                pass
    return mine, theirs.getpeercert()


def test_an_authority_in_a_file(authorities, server):
    side, shown = shake(TLS(str(authorities)).context(), server)
    assert side.selected_alpn_protocol() == "http/1.1"
    assert not shown


def test_authorities_in_a_folder(authorities, server, tmp_path):
    try:
        done = subprocess.run(
            ["openssl", "x509", "-hash", "-noout", "-in", str(authorities)],
            check=True,
            capture_output=True,
            text=True,
        )
    except OSError:
        pytest.skip("openssl is not installed")
    context = TLS(str(tmp_path)).context()
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(context, server)
    (tmp_path / f"{done.stdout.strip()}.0").write_bytes(authorities.read_bytes())
    shake(TLS(str(tmp_path)).context(), server)


def test_the_name_is_checked(authorities, server):
    with pytest.raises(ssl.SSLCertVerificationError, match=r"other\.example"):
        shake(TLS(str(authorities)).context(), server, "other.example")


def test_by_default_the_systems_authorities_count(server):
    context = TLS().context()
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(context, server)


def test_no_check_at_all(server):
    context = TLS(False).context()
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_NONE)
    shake(context, server, "other.example")


def test_a_context_is_passed_through():
    given = ssl.create_default_context()
    assert tls.check(given, None, "name").context() is given


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize(
    "form",
    [
        lambda files: files["both"],
        lambda files: (files["both"], None),
        lambda files: [files["certificate"], files["key"]],
        lambda files: (files["certificate"], files["key"]),
        lambda files: (files["certificate"], files["key"], "unneeded"),
        lambda files: (files["certificate"], files["locked"], PASSWORD),
        lambda files: (files["together"], None, PASSWORD),
    ],
)
def test_a_client_certificate(files, authorities, server, verify, form):
    context = tls.check(verify and str(authorities), form(files), None).context()
    _, shown = shake(context, server)
    assert ("DNS", "client.example") in shown["subjectAltName"]


@pytest.mark.parametrize(
    "form",
    [
        lambda files: files["together"],
        lambda files: (files["certificate"], files["locked"]),
        lambda files: (files["certificate"], files["locked"], None),
    ],
)
def test_an_encrypted_key_without_password_is_an_error_and_no_prompt(files, form):
    # OpenSSL asks at the terminal itself, so that capturing stdin would show nothing.
    with pytest.raises(ValueError, match=r"^the key of cert is encrypted: give cert="):
        tls.check(True, form(files), None).context()


def test_a_wrong_password_is_not_shown(files):
    given = TLS(True, (files["certificate"], files["locked"], "wr0ng"))
    with pytest.raises(ssl.SSLError) as caught:
        given.context()
    assert "wr0ng" not in repr(caught.value)
    assert "wr0ng" not in repr(given)
    assert files["certificate"] in repr(given)


@pytest.mark.parametrize(
    "given",
    [
        {"verify": "/does/not/exist"},
        {"cert": "/does/not/exist"},
        {"cert": ("/does/not/exist", "/does/not/exist")},
        {"verify": __file__},
        {"cert": __file__},
    ],
)
def test_files_that_cannot_be_used(given):
    with pytest.raises(OSError):  # noqa: PT011  (the text is OpenSSL's)
        TLS(**given).context()


CONTEXT = ssl.create_default_context()


@pytest.mark.parametrize(
    ("given", "kind", "name"),
    [
        ((1, None, None), TypeError, "verify"),
        ((None, None, None), TypeError, "verify"),
        ((b"x", None, None), TypeError, "verify"),
        (("", None, None), ValueError, "verify"),
        ((True, 5, None), TypeError, "cert"),
        ((True, b"x", None), TypeError, "cert"),
        ((True, (), None), ValueError, "cert"),
        ((True, ("a",), None), ValueError, "cert"),
        ((True, ("a",) * 4, None), ValueError, "cert"),
        ((True, ("a", 5), None), TypeError, "cert"),
        ((True, ("a", "b", 5), None), TypeError, "cert"),
        ((CONTEXT, "c", None), ValueError, "cert"),
        ((True, None, 5), TypeError, "server_name"),
        ((True, None, ""), TypeError, "server_name"),
        ((True, (None, "key"), None), TypeError, "cert"),
    ],
)
def test_what_is_no_setting_is_named(given, kind, name):
    with pytest.raises(kind, match=rf"^{re.escape(name)} "):
        tls.check(*given)


def test_the_passwords_type_is_named_and_the_rest_not_shown():
    with pytest.raises(TypeError, match=r"^cert must be") as caught:
        tls.check(True, ("a", "b", PASSWORD.encode()), None)
    assert PASSWORD not in repr(caught.value)


def test_a_list_becomes_a_tuple():
    assert tls.check(True, ["a", "b"], None).cert == ("a", "b")
