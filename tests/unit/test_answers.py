"""From answers to values: the decoders, `Indexed`, `Meta` and python-consul's `CB`."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import sys
from types import SimpleNamespace

import pytest

from consul import exceptions
from consul.callback import CB, Indexed, Meta
from consul.core import answers
from consul.core.request import Response

HEADERS = {"x-consul-index": "42", "x-consul-knownleader": "true", "x-consul-lastcontact": "7"}


def answer(data, code=200, headers=HEADERS):
    return Response(code, headers, data if isinstance(data, bytes) else json.dumps(data).encode())


def b64(value):
    return base64.b64encode(value).decode()


GOOD = [
    (answers.value, {"a": 1}, {"a": 1}),
    (answers.done, {"a": 1}, True),
    (answers.done, b"", True),
    (answers.text, "é".encode(), "é"),
    (answers.text, b"", ""),
    (answers.bool_answer, True, True),
    (answers.bool_answer, False, False),
    (answers.identity, {"ID": "x"}, "x"),
    (answers.first, [1, 2], 1),
    (answers.first, [], None),
    (answers.first, None, None),
    (answers.indexed, [1], (42, [1])),
    (answers.indexed_first, [{"a": 1}], (42, {"a": 1})),
    (answers.indexed_first, [], (42, None)),
    (answers.keys, ["a", "b"], (42, ["a", "b"])),
    (
        answers.pairs,
        [{"Value": b64(b"\0\xff")}, {"Value": None}],
        (42, [{"Value": b"\0\xff"}, {"Value": None}]),
    ),
    (answers.pair, [{"Value": ""}], (42, {"Value": b""})),
    (
        answers.payloads,
        [{"Payload": None}, {"Payload": b64(b"x")}],
        (42, [{"Payload": None}, {"Payload": b"x"}]),
    ),
    (answers.payloads, [], (42, [])),
    (
        answers.transaction,
        {"Results": [{"KV": {"Value": "eA=="}}]},
        {"Results": [{"KV": {"Value": "eA=="}}]},
    ),
]


@pytest.mark.parametrize(("decode", "data", "expected"), GOOD)
def test_good_answers(parser, decode, data, expected):
    assert decode(answer(data)) == expected


@pytest.mark.parametrize("missing", [True, False])
def test_orjson_is_used_where_it_is(monkeypatch, missing):
    orjson = None if missing else SimpleNamespace(loads=json.loads)
    monkeypatch.setitem(sys.modules, "orjson", orjson)
    monkeypatch.setattr(answers, "_loads", answers._choose_loads)
    assert [answers.value(answer([number])) for number in (1, 2)] == [[1], [2]]
    assert answers._loads is (answers._standard_loads if missing else json.loads)


MISSING = [answers.keys, answers.pairs, answers.pair]


@pytest.mark.parametrize("decode", MISSING)
def test_missing_keys_are_none_with_an_index(decode):
    assert decode(answer(b"", 404)) == (42, None)


DECODERS = sorted({case[0] for case in GOOD}, key=lambda decode: decode.__name__)


@pytest.mark.parametrize("decode", [each for each in DECODERS if each not in MISSING])
def test_404_is_not_found_elsewhere(decode):
    with pytest.raises(exceptions.NotFound):
        decode(answer(b"", 404))


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (204, exceptions.BadAnswer),
        (301, exceptions.Redirected),
        (400, exceptions.BadRequest),
        (403, exceptions.ACLPermissionDenied),
        (418, exceptions.ClientError),
        (429, exceptions.RateLimited),
        (500, exceptions.ServerError),
        (503, exceptions.RateLimited),
    ],
)
def test_other_statuses_raise(decode, code, kind):
    with pytest.raises(exceptions.ConsulException) as caught:
        decode(answer(b" odd \xff ", code))
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.body, error.index) == (code, "odd \ufffd", 42)


@pytest.mark.parametrize(
    "decode", [each for each in DECODERS if each not in (answers.done, answers.text)]
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff", b"null null"])
def test_what_is_not_json_is_a_bad_answer(parser, decode, body):
    with pytest.raises(exceptions.BadAnswer) as caught:
        decode(answer(body))
    why = "answer is not JSON" if body else "answer is empty"
    assert caught.value.args[0].startswith(f"200 {why}: ")
    assert caught.value.status == 200
    assert caught.value.body == body.decode(errors="replace")
    assert isinstance(caught.value.__cause__, ValueError)


def test_what_is_not_text_is_a_bad_answer():
    with pytest.raises(exceptions.BadAnswer, match=r"^200 answer is not text in UTF-8: "):
        answers.text(answer(b"\xff"))


@pytest.mark.parametrize(
    ("decode", "data"),
    [
        (answers.bool_answer, "true"),
        (answers.bool_answer, None),
        (answers.bool_answer, 1),
        (answers.identity, {}),
        (answers.identity, None),
        (answers.identity, ["ID"]),
        (answers.first, {"a": 1}),
        (answers.first, "text"),
        (answers.indexed_first, 5),
        (answers.pairs, None),
        (answers.pairs, {}),
        (answers.pairs, {"Value": ""}),
        (answers.pairs, ""),
        (answers.pairs, [1]),
        (answers.pairs, [{}]),
        (answers.pairs, [{"Value": 5}]),
        (answers.pairs, [{"Value": "a"}]),
        (answers.pairs, [{"Value": "é"}]),
        (answers.pair, {}),
        (answers.pair, ["x"]),
        (answers.payloads, None),
        (answers.payloads, {}),
        (answers.payloads, 5),
        (answers.payloads, [None]),
        (answers.payloads, [{}]),
        (answers.payloads, [{"Payload": "é"}]),
    ],
)
def test_another_shape_is_a_bad_answer(decode, data):
    with pytest.raises(exceptions.BadAnswer, match=r"^200 answer ") as caught:
        decode(answer(data))
    assert caught.value.status == 200
    assert json.loads(caught.value.body) == data


def test_a_long_answer_is_shown_in_part():
    with pytest.raises(exceptions.BadAnswer) as caught:
        answers.value(answer(b"x" * 10_000))
    assert len(str(caught.value)) < 300
    assert len(caught.value.body) == 10_000


def test_a_redirect_names_its_target():
    with pytest.raises(exceptions.Redirected, match=r"redirect to /elsewhere, not followed"):
        answers.value(answer(b"", 301, {"location": "/elsewhere"}))


def test_a_rolled_back_transaction_has_its_errors():
    errors = [{"OpIndex": 0, "What": "failed"}]
    with pytest.raises(exceptions.TransactionRolledBack) as caught:
        answers.transaction(answer({"Results": None, "Errors": errors}, 409))
    assert caught.value.errors == errors
    assert caught.value.status == 409
    status, text = caught.value.args[0].split(" ", 1)
    assert (status, json.loads(text)["Errors"]) == ("409", errors)


@pytest.mark.parametrize("body", [b"", b"conflict", b"[]", b"{}", b"null"])
def test_another_409_is_a_client_error(body):
    with pytest.raises(exceptions.ClientError) as caught:
        answers.transaction(answer(body, 409))
    assert type(caught.value) is exceptions.ClientError
    assert caught.value.status == 409


# The index and the rest of the headers

INDEXES = [
    ("1", 1),
    ("18446744073709551615", 2**64 - 1),
    ("0", None),
    ("", None),
    ("-1", None),
    ("1.5", None),
    ("x", None),
    ("٥", None),
    ("18446744073709551616", None),
    ("9" * 5000, None),
]


@pytest.mark.parametrize(("header", "index"), INDEXES)
def test_index_header(header, index):
    found = answers.indexed(answer([], headers={"x-consul-index": header}))
    assert (found[0], found.index, found.meta.index) == (index, index, index)


def test_missing_index_header():
    assert answers.indexed(answer([], headers={})) == (None, [])


def test_meta_reads_every_header():
    meta = Meta(
        {
            "x-consul-index": "3",
            "x-consul-lastcontact": "15",
            "x-consul-knownleader": "True",
            "x-cache": "Hit",
            "age": "8",
            "x-consul-contenthash": "abc",
            "x-consul-effective-consistency": "stale",
            "x-consul-results-filtered-by-acls": "true",
            "x-consul-translate-addresses": "false",
            "x-consul-query-backend": "streaming",
            "x-consul-default-acl-policy": "deny",
        }
    )
    assert (meta.index, meta.last_contact, meta.known_leader) == (3, 15, True)
    assert (meta.cache_hit, meta.cache_age, meta.content_hash) == (True, 8, "abc")
    assert (meta.effective_consistency, meta.filtered_by_acls) == ("stale", True)
    assert (meta.translated_addresses, meta.query_backend) == (False, "streaming")
    assert meta.default_acl_policy == "deny"
    assert repr(meta) == "<Meta index=3 known_leader=True>"


PROPERTIES = [name for name, value in vars(Meta).items() if isinstance(value, property)]


@pytest.mark.parametrize("name", PROPERTIES)
def test_meta_is_none_for_what_is_not_said(name):
    assert getattr(Meta({}), name) is None


@pytest.mark.parametrize("value", ["", "never", "-3", "9" * 5000])
def test_meta_is_none_for_what_makes_no_sense(value):
    meta = Meta(dict.fromkeys(("x-consul-lastcontact", "age", "x-consul-knownleader"), value))
    assert (meta.last_contact, meta.cache_age, meta.known_leader) == (None, None, None)


def test_indexed_is_a_tuple_of_two():
    found = Indexed(5, {"a": 1}, HEADERS)
    index, data = found
    assert (index, data) == (5, {"a": 1})
    assert found == (5, {"a": 1})
    assert isinstance(found, tuple)
    assert len(found) == 2
    assert (found.index, found.data, found.meta.last_contact) == (5, {"a": 1}, 7)


@pytest.mark.parametrize(
    "twin",
    [copy.copy, copy.deepcopy]
    + [
        lambda it, p=p: pickle.loads(pickle.dumps(it, p))
        for p in range(2, pickle.HIGHEST_PROTOCOL + 1)
    ],
)
def test_indexed_can_be_copied(twin):
    found = twin(Indexed(5, [1], HEADERS))
    assert type(found) is Indexed
    assert found == (5, [1])
    assert (found.index, found.data, found.meta.headers) == (5, [1], HEADERS)


# python-consul's callbacks, as its own tests (test_base) use them


def test_status_200_passes():
    CB._status(Response(200, None, None))


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (Response(400, None, None), exceptions.BadRequest),
        (Response(401, None, None), exceptions.ACLDisabled),
        (Response(403, None, None), exceptions.ACLPermissionDenied),
        (Response(405, None, None), exceptions.ClientError),
        (Response(500, None, None), exceptions.ConsulException),
        (Response(599, None, None), exceptions.ConsulException),
    ],
)
def test_status_raises(response, kind):
    with pytest.raises(kind):
        CB._status(response)


def test_status_404_only_where_allowed():
    CB._status(Response(404, None, None), allow_404=True)
    with pytest.raises(exceptions.NotFound):
        CB._status(Response(404, None, None), allow_404=False)


def test_cb_bool():
    assert CB.bool()(Response(200, None, None)) is True
    assert CB.boolean()(Response(200, None, "")) is True
    with pytest.raises(exceptions.NotFound):
        CB.bool()(Response(404, None, None))


@pytest.mark.parametrize("name", ["X-Consul-Index", "x-consul-index", "X-CONSUL-INDEX"])
@pytest.mark.parametrize("body", ['[{"a": "é"}]', '[{"a": "é"}]'.encode()])
def test_cb_json_takes_text_and_bytes_and_any_case(name, body):
    response = Response(200, {name: "12"}, body)
    assert CB.json()(response) == [{"a": "é"}]
    assert CB.json(index=True)(response) == (12, [{"a": "é"}])
    assert CB.json(one=True)(response) == {"a": "é"}


def test_cb_json_options():
    listed = Response(200, {}, json.dumps([{"Value": b64(b"v")}, {"Value": None}]))
    assert CB.json(decode="Value")(listed) == [{"Value": b"v"}, {"Value": None}]
    assert CB.json(decode="Value", one=True)(listed) == {"Value": b"v"}
    assert CB.json(map=len)(listed) == CB.json(len)(listed) == CB.json(postprocess=len)(listed) == 2
    assert CB.json(is_id=True)(Response(200, {}, '{"ID": "x"}')) == "x"
    assert CB.json(one=True, index=True)(Response(200, {}, "[]")) == (None, None)


def test_cb_json_of_a_404():
    response = Response(404, {"X-Consul-Index": "3"}, "")
    assert CB.json(one=True, map=len, decode="Value", is_id=True)(response) is None
    assert CB.json(index=True)(response) == (3, None)
    with pytest.raises(exceptions.NotFound):
        CB.json(allow_404=False)(response)


@pytest.mark.parametrize("body", [None, "", "no"])
def test_cb_json_of_what_is_not_json(body):
    with pytest.raises(exceptions.BadAnswer):
        CB.json()(Response(200, None, body))


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({"is_id": True}, "{}"),
        ({"is_id": True}, "[]"),
        ({"one": True}, "{}"),
        ({"decode": "Value"}, "null"),
        ({"decode": "Value"}, '["x"]'),
        ({"decode": "Value"}, '[{"Value": "a"}]'),
    ],
)
def test_cb_json_of_another_shape(options, body):
    with pytest.raises(exceptions.BadAnswer):
        CB.json(**options)(Response(200, None, body))
