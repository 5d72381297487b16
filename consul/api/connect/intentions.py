"""Who may talk to whom in the mesh, /v1/connect/intentions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from consul.api.noun import Noun
from consul.api.options import (
    Blocking,
    Common,
    Consistency,
    Filtered,
    Refreshed,
    WithDC,
)
from consul.api.params import text_or_absent
from consul.core import answers
from consul.core.bodies import Struct, listed, mapped, opaque, text_map, texts
from consul.core.fields import Fields
from consul.core.flavour import F, endpoint
from consul.core.values import Text, identifier, segment, text

if TYPE_CHECKING:
    import builtins
    from typing import Unpack

    from consul.core.answers import Indexed
    from consul.core.request import Call


class IntentionHTTPHeaderPermission(TypedDict, total=False):
    """What a header has to be; one of the tests."""

    Name: str
    Present: bool
    Exact: str
    Prefix: str
    Suffix: str
    Contains: str
    Regex: str
    IgnoreCase: bool
    Invert: bool


class IntentionHTTPPermission(TypedDict, total=False):
    """Which requests a permission is about."""

    PathExact: str
    PathPrefix: str
    PathRegex: str
    Header: list[IntentionHTTPHeaderPermission]
    Methods: list[str]


class IntentionPermission(TypedDict, total=False):
    """A rule about requests (1.9)."""

    #: "allow" or "deny".
    Action: str
    HTTP: IntentionHTTPPermission
    #: Which tokens a request needs (Enterprise); its parts are those of a jwt-provider.
    JWT: dict[str, Any]


class Intention(TypedDict):
    """Whether a service may talk to another one."""

    SourceNS: str
    SourceName: str
    DestinationNS: str
    DestinationName: str
    #: "consul".
    SourceType: str
    #: The higher one wins.
    Precedence: int
    CreateIndex: int
    ModifyIndex: int
    #: Of intentions that `Intentions.create` has made.
    ID: NotRequired[str]
    CreatedAt: NotRequired[str]
    UpdatedAt: NotRequired[str]
    Hash: NotRequired[str]
    Description: NotRequired[str]
    Meta: NotRequired[dict[str, str] | None]
    #: "allow" or "deny"; absent where there are permissions.
    Action: NotRequired[str]
    Permissions: NotRequired[list[IntentionPermission] | None]
    SourcePeer: NotRequired[str]
    SourcePartition: NotRequired[str]
    DestinationPartition: NotRequired[str]
    SourceSamenessGroup: NotRequired[str]
    DefaultAddr: NotRequired[str]
    DefaultPort: NotRequired[int]


class IntentionCreated(TypedDict):
    """The id of an intention."""

    ID: str


class IntentionRead(WithDC, Consistency, Blocking, total=False):
    """Keywords of ``connect.intentions.get``."""


class IntentionNameRead(Common, Consistency, Blocking, total=False):
    """Keywords of ``connect.intentions.read``."""


class IntentionList(IntentionNameRead, Filtered, total=False):
    """Keywords of ``connect.intentions.list``."""


class IntentionMatch(Common, Blocking, Refreshed, total=False):
    """Keywords of ``connect.intentions.match``."""


class IntentionNamespaces(TypedDict, total=False):
    """Where the services of an intention are (Enterprise)."""

    source_ns: Text | None
    source_partition: Text | None
    destination_ns: Text | None
    destination_partition: Text | None


class IntentionWrite(IntentionNamespaces, WithDC, total=False):
    """Keywords of ``connect.intentions.create`` and ``connect.intentions.update``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class IntentionUpsert(Common, total=False):
    """Keywords of ``connect.intentions.upsert``."""

    #: Further fields in Consul's spelling.
    extra: Mapping[str, Any] | None


class _Body(IntentionNamespaces, total=False):
    source_name: Text | None
    destination_name: Text | None
    source_type: Text | None
    action: Text | None
    description: Text | None
    meta: Mapping[str, Text] | None
    permissions: Iterable[IntentionPermission] | None


_HEADER = Struct(name=text, exact=text, prefix=text, suffix=text, contains=text, regex=text)
_PERMISSION = Struct(
    action=text,
    http=Struct(
        pathexact=text,
        pathprefix=text,
        pathregex=text,
        methods=texts,
        header=listed(_HEADER, "dicts"),
    ),
    jwt=mapped(opaque),
)
_INTENTION = Fields(
    _Body,
    kinds={"permissions": listed(_PERMISSION, "dicts"), "meta": text_map},
    source_ns="SourceNS",
    destination_ns="DestinationNS",
)


def _pair(source: Text, destination: Text) -> tuple[tuple[str, str], ...]:
    """The query parameters that name an intention."""
    return ("source", _name("source", source)), ("destination", _name("destination", destination))


class Intentions(Noun[F]):
    """Who may talk to whom, /v1/connect/intentions.

    `upsert`, `read` and `delete` name an intention by its two services.  They need Consul 1.9.
    `create`, `get`, `update` and `delete_by_id` are the older form, by an id.  Since Consul 1.9
    they fail for a destination that the newer form has touched.

    The name of a service is "*" for any one.
    """

    @endpoint("PUT /v1/connect/intentions/exact", repeatable=True, since="1.9.0")
    def upsert(
        self,
        source: Text,
        destination: Text,
        token: Text | None = None,
        action: Text | None = None,
        source_type: Text | None = None,
        description: Text | None = None,
        permissions: Iterable[IntentionPermission] | None = None,
        dc: Text | None = None,
        **options: Unpack[IntentionUpsert],
    ) -> Call[bool]:
        """Set whether *source* may talk to *destination*.  Return True.

        *action* is "allow" or "deny".  In place of it, *permissions* are rules about requests, for
        a destination that speaks HTTP.

        Raises ACLPermissionDenied where *token* lacks ``intentions:write`` for *destination*,
        ServerError for permissions of a destination that does not speak HTTP, BadRequest or
        ServerError before Consul 1.9.

        ``PUT /v1/connect/intentions/exact``
        """
        given = {
            "action": action,
            "source_type": source_type,
            "description": description,
            "permissions": permissions,
            **options,
        }
        return self._write(
            "upsert",
            "/v1/connect/intentions/exact",
            answers.bool_answer,
            _INTENTION,
            given,
            _pair(source, destination),
            token=token,
            dc=dc,
        )

    @endpoint("GET /v1/connect/intentions/exact", since="1.9.0")
    def read(
        self,
        source: Text,
        destination: Text,
        token: Text | None = None,
        dc: Text | None = None,
        **options: Unpack[IntentionNameRead],
    ) -> Call[Intention]:
        """Read the intention of *source* and *destination*.

        To wait for a change, give the *index* of `list`: this answer has none.

        Raises NotFound where there is none, ACLPermissionDenied where *token* lacks
        ``intentions:read``, BadRequest before Consul 1.9.

        ``GET /v1/connect/intentions/exact``
        """
        path, params = "/v1/connect/intentions/exact", _pair(source, destination)
        return self._read("read", path, answers.value, params, options, token=token, dc=dc)

    @endpoint("DELETE /v1/connect/intentions/exact", repeatable=True, since="1.9.0")
    def delete(
        self,
        source: Text,
        destination: Text,
        token: Text | None = None,
        dc: Text | None = None,
        **options: Unpack[Common],
    ) -> Call[bool]:
        """Delete the intention of *source* and *destination*.  Return True, also without one.

        Raises ACLPermissionDenied where *token* lacks ``intentions:write`` for *destination*.

        ``DELETE /v1/connect/intentions/exact``
        """
        path, params = "/v1/connect/intentions/exact", _pair(source, destination)
        return self._call("delete", path, answers.bool_answer, params, options, token=token, dc=dc)

    @endpoint("GET /v1/connect/intentions")
    def list(
        self, token: Text | None = None, dc: Text | None = None, **options: Unpack[IntentionList]
    ) -> Call[Indexed[builtins.list[Intention]]]:
        """List the intentions, by precedence: (index, intentions).

        Those that *token* may not read are left out.

        ``GET /v1/connect/intentions``
        """
        path = "/v1/connect/intentions"
        return self._read("list", path, answers.indexed, (), options, token=token, dc=dc)

    @endpoint("GET /v1/connect/intentions/check")
    def check(
        self,
        source: Text,
        destination: Text,
        token: Text | None = None,
        source_type: Text | None = None,
        dc: Text | None = None,
        **options: Unpack[Common],
    ) -> Call[bool]:
        """Whether *source* may connect to *destination*.

        An intention with permissions counts as False.  Without an intention it is what the default
        is: that of ACLs, or ``default_intention_policy`` of the servers.

        Raises ACLPermissionDenied where *token* lacks ``intentions:read`` for *destination*.

        ``GET /v1/connect/intentions/check``
        """
        params = (
            *_pair(source, destination),
            ("source-type", text_or_absent("source_type", source_type)),
        )
        path = "/v1/connect/intentions/check"
        return self._call("check", path, answers.allowed, params, options, token=token, dc=dc)

    @endpoint("GET /v1/connect/intentions/match")
    def match(
        self,
        by: Text,
        name: Text | Iterable[Text],
        token: Text | None = None,
        dc: Text | None = None,
        **options: Unpack[IntentionMatch],
    ) -> Call[Indexed[dict[str, builtins.list[Intention] | None]]]:
        """List the intentions that apply to a service: (index, lists by name).

        *by* is "source" or "destination": which of the two *name*, one service or several, is.  The
        highest precedence comes first.

        Consul 1.8 sends no index.

        Raises ServerError for another *by*.

        ``GET /v1/connect/intentions/match``
        """
        params = (("by", text("by", by)), *_names(name))
        path = "/v1/connect/intentions/match"
        return self._call("match", path, answers.indexed, params, options, token=token, dc=dc)

    # python-consul2's name.
    list_match = match

    @endpoint("POST /v1/connect/intentions", repeatable=False)
    def create(
        self,
        source_name: Text,
        destination_name: Text,
        source_type: Text | None = None,
        action: Text | None = None,
        description: Text | None = None,
        meta: Mapping[str, Text] | None = None,
        token: Text | None = None,
        **options: Unpack[IntentionWrite],
    ) -> Call[IntentionCreated]:
        """Create an intention, in the older form: its ``ID``.

        *action* is "allow" or "deny".

        Raises ACLPermissionDenied where *token* lacks ``intentions:write`` for the destination,
        ServerError where there is one for these services.

        ``POST /v1/connect/intentions``
        """
        given = {
            "source_name": source_name,
            "destination_name": destination_name,
            "source_type": source_type,
            "action": action,
            "description": description,
            "meta": meta,
            **options,
        }
        path = "/v1/connect/intentions"
        return self._write("create", path, answers.value, _INTENTION, given, token=token)

    @endpoint("GET /v1/connect/intentions/:intention_id")
    def get(
        self, intention_id: Text, token: Text | None = None, **options: Unpack[IntentionRead]
    ) -> Call[Intention]:
        """Read an intention that `create` has made.

        To wait for a change, give the *index* of `list`: this answer has none.

        Raises NotFound for an unknown id, BadRequest for one that is no UUID.

        ``GET /v1/connect/intentions/:intention_id``
        """
        path = f"/v1/connect/intentions/{segment('intention_id', intention_id)}"
        return self._read("get", path, answers.value, (), options, token=token)

    @endpoint("PUT /v1/connect/intentions/:intention_id", repeatable=True)
    def update(
        self,
        intention_id: Text,
        token: Text | None = None,
        source_name: Text | None = None,
        destination_name: Text | None = None,
        source_type: Text | None = None,
        action: Text | None = None,
        description: Text | None = None,
        meta: Mapping[str, Text] | None = None,
        **options: Unpack[IntentionWrite],
    ) -> Call[IntentionCreated]:
        """Replace an intention that `create` has made: its ``ID``.

        What is not given is removed.  Since Consul 1.9 the destination cannot change.

        Raises ServerError for an unknown id.

        ``PUT /v1/connect/intentions/:intention_id``
        """
        given = {
            "source_name": source_name,
            "destination_name": destination_name,
            "source_type": source_type,
            "action": action,
            "description": description,
            "meta": meta,
            **options,
        }
        path = f"/v1/connect/intentions/{segment('intention_id', intention_id)}"
        return self._write("update", path, answers.value, _INTENTION, given, token=token)

    # python-consul2's name.
    put = update

    @endpoint("DELETE /v1/connect/intentions/:intention_id", repeatable=False)
    def delete_by_id(
        self, intention_id: Text, token: Text | None = None, **options: Unpack[WithDC]
    ) -> Call[bool]:
        """Delete an intention that `create` has made.  Return True.

        Raises ServerError for an unknown id.

        ``DELETE /v1/connect/intentions/:intention_id``
        """
        path = f"/v1/connect/intentions/{segment('intention_id', intention_id)}"
        return self._call("delete_by_id", path, answers.bool_answer, (), options, token=token)


def _name(argument: str, value: object) -> str:
    name = identifier(argument, value)
    if not name:
        raise ValueError(f"{argument} must not be empty")
    return name


def _names(name: Text | Iterable[Text]) -> list[tuple[str, str]]:
    """The query parameters for one name or several."""
    if isinstance(name, Iterable) and not isinstance(name, (str, bytes, bytearray, Mapping)):
        names = [("name", _name("name", each)) for each in name]
        if not names:
            raise ValueError("name must not be empty")
        return names
    return [("name", _name("name", name))]
