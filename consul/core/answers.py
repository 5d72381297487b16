"""From an answer to a value: the decoders that endpoints give to their calls.

They take a `Response` as the flavours make it: headers that can be looked up in lower case, and a
body of bytes.
"""

from __future__ import annotations

import json
from binascii import a2b_base64
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from consul import exceptions
from consul.core.request import Call, Response, lower_case_names
from consul.core.values import Number


def _standard_loads(body: bytes) -> Any:
    # Not json.loads(body): that guesses the charset.
    return json.loads(body.decode())


def _choose_loads(body: bytes) -> Any:
    """Choose the parser with the first answer: importing orjson takes as long as all of this
    package."""
    global _loads
    try:
        from orjson import loads as _loads
    except ImportError:
        _loads = _standard_loads
    return _loads(body)


#: Reads JSON in bytes; a body that is not JSON is a ValueError.
_loads: Callable[[bytes], Any] = _choose_loads


T = TypeVar("T")

#: What reading an answer of another shape raises; text that is not base64 is a ValueError.
MISSHAPEN = (TypeError, KeyError, AttributeError, ValueError)


class Meta:
    """Metadata from the headers of an answer; None for a header that is missing."""

    __slots__ = ("headers",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers

    def _number(self, name: str) -> int | None:
        return _number(self.headers.get(name, ""))

    def _truth(self, name: str) -> bool | None:
        return {"true": True, "false": False}.get(self.headers.get(name, "").lower())

    @property
    def index(self) -> int | None:
        """Index for the next blocking read; None when missing or not a positive number."""
        return index_of(self.headers)

    @property
    def last_contact(self) -> int | None:
        """Milliseconds since the answering server heard from the leader."""
        return self._number("x-consul-lastcontact")

    @property
    def known_leader(self) -> bool | None:
        """Whether there was a leader.  Streaming answers always say False, which proves no loss."""
        return self._truth("x-consul-knownleader")

    @property
    def cache_hit(self) -> bool | None:
        """Whether the agent answered from its cache."""
        value = self.headers.get("x-cache")
        return None if value is None else value.upper() == "HIT"

    @property
    def cache_age(self) -> int | None:
        """Seconds since the agent fetched its cache entry."""
        return self._number("age")

    @property
    def content_hash(self) -> str | None:
        """Value for the next hash-blocking read."""
        return self.headers.get("x-consul-contenthash")

    @property
    def effective_consistency(self) -> str | None:
        """The consistency mode used: "leader", "consistent" or "stale"."""
        return self.headers.get("x-consul-effective-consistency")

    @property
    def filtered_by_acls(self) -> bool | None:
        """True when something was left out; its absence proves nothing (1.11)."""
        return self._truth("x-consul-results-filtered-by-acls")

    @property
    def translated_addresses(self) -> bool | None:
        """Whether addresses were translated for the WAN."""
        return self._truth("x-consul-translate-addresses")

    @property
    def query_backend(self) -> str | None:
        """ "streaming" or "blocking-query" (1.12)."""
        return self.headers.get("x-consul-query-backend")

    @property
    def default_acl_policy(self) -> str | None:
        """ "allow" or "deny" (1.9)."""
        return self.headers.get("x-consul-default-acl-policy")

    def __repr__(self) -> str:
        return f"<Meta index={self.index} known_leader={self.known_leader}>"


class Indexed(tuple[int | None, T], Generic[T]):
    """``(index, data)``, with the same two and *meta* as attributes.

    *index* (int or None) is what the next blocking read takes; it replaces the tuple's method of
    that name.
    """

    _headers: Mapping[str, str]

    def __new__(cls, index: int | None, data: T, headers: Mapping[str, str]) -> Indexed[T]:
        self: Indexed[T] = tuple.__new__(cls, (index, data))
        self._headers = headers
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (*self, self.meta.headers)

    @property
    def index(self) -> int | None:  # type: ignore[override]
        """What the next blocking read takes; None when the answer has none."""
        return self[0]

    @property
    def data(self) -> T:
        """What was asked for."""
        return self[1]

    @property
    def meta(self) -> Meta:
        """What the headers say."""
        return Meta(lower_case_names(self._headers.items()))


#: What a blocking read takes: an index, or the answer that has it, or that answer's `Meta`.
AnyIndex = Number | Indexed[Any] | Meta


def index_of(headers: Mapping[str, str]) -> int | None:
    """X-Consul-Index as a number; None when it is missing, unreadable or 0."""
    return _number(headers.get("x-consul-index", "")) or None


def _number(value: str) -> int | None:
    # The length first: Python refuses to convert thousands of digits.
    if len(value) > 20 or not (value.isdigit() and value.isascii()):
        return None
    number = int(value)
    return number if number < 2**64 else None


def error(response: Response) -> exceptions.ConsulException:
    """The exception that *response*, of no good status, stands for."""
    body = response.body.decode("utf-8", "replace").strip()
    location = response.headers.get("location")
    if 300 <= response.code < 400 and location:
        body = f"redirect to {location}, not followed"
    return exceptions.answer(response.code, body, index_of(response.headers))


def bad(response: Response, why: str) -> exceptions.BadAnswer:
    """The exception for a body that cannot be read."""
    body = response.body.decode("utf-8", "replace")
    shown = body if len(body) <= 200 else body[:200] + "..."
    failure = exceptions.BadAnswer(f"{response.code} {why}: {shown!r}")
    failure.status, failure.body, failure.index = response.code, body, index_of(response.headers)
    return failure


def parse(response: Response) -> Any:
    """The JSON of a 200."""
    if response.code != 200:
        raise error(response)
    try:
        return _loads(response.body)
    except (ValueError, RecursionError) as reason:
        why = "answer is not JSON" if response.body else "answer is empty"
        raise bad(response, why) from reason


def value(response: Response) -> Any:
    """The JSON as it is."""
    return parse(response)


def plain_text(response: Response) -> str:
    """The text of a 200 that is not JSON."""
    if response.code != 200:
        raise error(response)
    return str(response.body.decode("utf-8", "replace"))


def indexed_text(response: Response) -> Indexed[str]:
    """(index, the text of a 200 that is not JSON)."""
    return indexed_data(response, plain_text(response))


def allowed(response: Response) -> bool:
    """What the answer says of being ``Allowed``."""
    data = parse(response)
    try:
        return bool(data["Allowed"])
    except (TypeError, KeyError) as reason:
        raise bad(response, "answer does not say what is allowed") from reason


def told_by_status(*statuses: int) -> Callable[[Response], Any]:
    """Reads JSON of a 200, or of one of *statuses*, which are a result there and no failure."""

    def decode(response: Response) -> Any:
        if response.code in statuses and response.body.lstrip()[:1] in (b"{", b"["):
            response = response._replace(code=200)
        return parse(response)

    return decode


#: What the word for the health of a service may be.
_HEALTH = ("passing", "warning", "critical", "maintenance")


def health(response: Response) -> Any:
    """The JSON that says how a service is, whatever its status says."""
    _refuse_unknown_service(response)
    return told_by_status(429, 503)(response)


def health_word(response: Response) -> str:
    """The word that says how a service is, whatever its status says."""
    _refuse_unknown_service(response)
    word = str(response.body.decode("utf-8", "replace")).strip()
    if response.code not in (200, 429, 503) or word not in _HEALTH:
        raise error(response)
    return word


def _refuse_unknown_service(response: Response) -> None:
    if response.code == 404 and "x-consul-reason" in response.headers:
        failure = exceptions.UnknownService("the agent has no such service")
        failure.status, failure.body = response.code, response.body.decode("utf-8", "replace")
        raise failure


def raw_body(response: Response) -> bytes:
    """The body of a 200 as it is."""
    if response.code != 200:
        raise error(response)
    body: bytes = response.body
    return body


def done(response: Response) -> bool:
    """True; for writes whose answer has no body, or one that says nothing."""
    if response.code != 200:
        raise error(response)
    return True


def text(response: Response) -> str:
    """The body as text."""
    if response.code != 200:
        raise error(response)
    try:
        return str(response.body, "utf-8")
    except ValueError as reason:
        raise bad(response, "answer is not text in UTF-8") from reason


def bool_answer(response: Response) -> bool:
    """JSON true or false: whether a write took effect."""
    data = parse(response)
    if not isinstance(data, bool):
        raise bad(response, "answer is not true or false")
    return data


def with_meta(call: Call[T]) -> Call[Indexed[T]]:
    """The same call, with an answer that has its metadata.

    An endpoint that python-consul had answers the bare value.  This way it answers ``(index,
    value)`` with *meta*, like the others.
    """

    def decode(response: Response) -> Indexed[T]:
        return indexed_data(response, call.decode(response))

    return type(call)(call.request, decode, call.route)  # type: ignore[arg-type, return-value]


def done_or_bool(response: Response) -> bool:
    """Whether a write took effect: JSON true or false, or an empty object for true."""
    data = parse(response)
    if data == {}:
        return True
    if not isinstance(data, bool):
        raise bad(response, "answer is not true or false")
    return data


def or_empty(call: Call[Indexed[Any]]) -> Call[Indexed[Any]]:
    """The same call, with an empty list in place of None."""

    def decode(response: Response) -> Indexed[Any]:
        found = call.decode(response)
        return found if found.data is not None else indexed_data(response, [])

    return type(call)(call.request, decode, call.route)


def identity(response: Response) -> str:
    """The ID of what was made."""
    data = parse(response)
    try:
        return str(data["ID"])
    except (TypeError, KeyError) as reason:
        raise bad(response, "answer has no ID") from reason


def first(response: Response) -> Any:
    """The only item of a list, None when the list is empty."""
    return first_of(response, parse(response))


def first_of(response: Response, data: Any) -> Any:
    """The only item of *data*, a list; None when it is empty, or is null."""
    if data is None:
        return None
    if not isinstance(data, list):
        raise bad(response, "answer is not a list")
    return data[0] if data else None


def indexed(response: Response) -> Indexed[Any]:
    """(index, JSON)."""
    return indexed_data(response, parse(response))


def indexed_or_none(response: Response) -> Indexed[Any]:
    """(index, JSON), (index, None) where Consul says that there is no such object.

    Its 404 has an index; one from somewhere else, such as a proxy, has none.
    """
    if response.code == 404 and index_of(response.headers) is not None:
        return indexed_data(response, None)
    return indexed_data(response, parse(response))


def indexed_first(response: Response) -> Indexed[Any]:
    """(index, the only item of a list or None)."""
    return indexed_data(response, first(response))


def indexed_data(response: Response, data: T) -> Indexed[T]:
    """(index, *data*)."""
    headers = response.headers
    return Indexed(index_of(headers), data, headers)


def _key_is_missing(response: Response) -> bool:
    """Whether *response* says that there is no such key.

    Consul says it by a 404 with an index and without a body.  Any other 404 comes from somewhere
    else, such as a proxy or a wrong address, and does not say that a key is missing.
    """
    return response.code == 404 and not response.body and index_of(response.headers) is not None


def raw(response: Response) -> Indexed[Any]:
    """(index, the body as it is), (index, None) when there is no such key."""
    if _key_is_missing(response):
        return indexed_data(response, None)
    if response.code != 200:
        raise error(response)
    return indexed_data(response, response.body)


def keys(response: Response) -> Indexed[Any]:
    """(index, KV keys), (index, None) for no match."""
    if _key_is_missing(response):
        return indexed_data(response, None)
    data = parse(response)
    if not isinstance(data, list):
        raise bad(response, "answer is not a list of keys")
    return indexed_data(response, data)


def pairs(response: Response) -> Indexed[Any]:
    """(index, KV pairs with their values as bytes), (index, None) for no match."""
    return indexed_data(response, _pairs(response))


def _pairs(response: Response) -> Any:
    if _key_is_missing(response):
        return None
    data = parse(response)
    try:
        for pair in _items(data):
            raw = pair["Value"]
            if raw is not None:
                pair["Value"] = a2b_base64(raw, strict_mode=True)
    except MISSHAPEN as reason:
        raise bad(response, "answer is not a list of KV pairs") from reason
    return data


def _items(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise TypeError(f"{type(data).__name__} instead of a list")
    return data


def pair(response: Response) -> Indexed[Any]:
    """(index, KV pair), (index, None) for a missing key."""
    return indexed_data(response, first_of(response, _pairs(response)))


def payloads(response: Response) -> Indexed[Any]:
    """(index, events with their payloads as bytes)."""
    data = parse(response)
    try:
        for event in _items(data):
            if event["Payload"] is not None:
                event["Payload"] = a2b_base64(event["Payload"], strict_mode=True)
    except MISSHAPEN as reason:
        raise bad(response, "answer is not a list of events") from reason
    return indexed_data(response, data)


def transaction(response: Response) -> Any:
    """Results of a transaction as Consul gives them; a 409 is a rollback with its errors."""
    if response.code != 409:
        return parse(response)
    failure = error(response)
    rolled_back = exceptions.TransactionRolledBack(*failure.args)
    rolled_back.status, rolled_back.body = failure.status, failure.body
    try:
        rolled_back.errors = _loads(response.body)["Errors"]
    except (ValueError, TypeError, KeyError) as reason:
        raise failure from reason
    raise rolled_back


def outcomes(call: Call[Any], told: list[str]) -> Call[Any]:
    """The call of a transaction, with its results as a list, and their values as bytes.

    *told* says what each operation is, for the message of a rollback.
    """

    def decode(response: Response) -> Any:
        try:
            data = call.decode(response)
        except exceptions.TransactionRolledBack as failure:
            failure.args = (f"409 nothing was applied: {_failed(failure.errors, told)}",)
            raise
        try:
            results = data["Results"] or []
            for result in results:
                pair = result.get("KV")
                if pair is not None and pair["Value"] is not None:
                    pair["Value"] = a2b_base64(pair["Value"], strict_mode=True)
        except MISSHAPEN as reason:
            raise bad(response, "answer is not a list of results") from reason
        return results

    return type(call)(call.request, decode, call.route)


def _failed(errors: Any, told: list[str]) -> str:
    """Which operations failed, and why."""
    texts = []
    for each in errors if isinstance(errors, list) else []:
        place, why = each.get("OpIndex"), each.get("What")
        known = isinstance(place, int) and 0 <= place < len(told)
        texts.append(f"operation {place} ({told[place]}): {why}" if known else str(why))
    return "; ".join(texts)


def normal(response: Any) -> Response:
    """*response* of an old adapter in the form that the decoders take."""
    headers = lower_case_names((str(name), text) for name, text in (response.headers or {}).items())
    # Its library has decompressed the body; ours leave that to `Call.read`, which is past.
    headers.pop("content-encoding", None)
    body = response.body
    if body is None:
        body = b""
    elif isinstance(body, str):
        body = body.encode()
    return Response(response.code, headers, body)
