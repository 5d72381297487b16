"""What the nouns have in common: turning a request and a decoder into the client's answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from consul.request import Call, Pairs, Response, Settings, build
from consul.values import json_bytes

T = TypeVar("T")


class Client(Settings, Protocol):
    """What a noun needs of its client."""

    def _send(self, call: Call[Any]) -> Any: ...


class Noun:
    """A group of endpoints of one client.

    The methods are written as if they returned the `Call`; what a caller gets is whatever the
    client's flavour makes of it: the value, a future, a coroutine, a Deferred.
    """

    agent: Client

    def __init__(self, agent: Client) -> None:
        self.agent = agent

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__} of {self.agent!r}>"

    def _read(
        self,
        path: str,
        decode: Callable[[Response], T],
        params: Pairs = (),
        options: Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
        dc: str | None = None,
        index: object = None,
        wait: object = None,
        consistency: str | None = None,
        near: str | None = None,
        secrets: tuple[str, ...] = (),
    ) -> Call[T]:
        """A read from the servers: takes all of `consul.request.ReadOptions`."""
        request = build(
            self.agent,
            "GET",
            path,
            params,
            options,
            token=token,
            dc=dc,
            reads=True,
            index=index,
            wait=wait,
            consistency=consistency,
            near=near,
            secrets=secrets,
        )
        return self.agent._send(Call(request, decode))  # type: ignore[no-any-return]

    def _call(
        self,
        method: str,
        path: str,
        decode: Callable[[Response], T],
        params: Pairs = (),
        options: Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
        dc: str | None = None,
        json: Any = None,
        body: bytes | None = None,
        secrets: tuple[str, ...] = (),
        repeatable: bool = False,
    ) -> Call[T]:
        """A write, or a read of what the agent itself knows: takes token and dc.

        *repeatable* says of a write that doing it twice comes to the same as doing it once, its
        answer included.
        """
        request = build(
            self.agent,
            method,
            path,
            params,
            options,
            token=token,
            dc=dc,
            body=body if json is None else json_bytes(json),
            json_body=json is not None,
            secrets=secrets,
            repeatable=repeatable,
        )
        return self.agent._send(Call(request, decode))  # type: ignore[no-any-return]
