"""The callbacks of python-consul and its forks, for code that calls ``client.http``.

`Indexed` and `Meta`, which answers are made of, can be imported from here as well.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable
from typing import Any, Literal

from consul.core import answers
from consul.core.answers import Indexed, Meta

__all__ = ["CB", "Indexed", "Meta"]


class CB:
    """The callbacks of python-consul and its forks, for code that calls ``client.http``."""

    @classmethod
    def _status(cls, response: Any, allow_404: bool = True) -> None:
        """Raise for a status that is not good."""
        if 200 <= response.code < 300 or (response.code == 404 and allow_404):
            return
        raise answers.error(answers.normal(response))

    @classmethod
    def json(
        cls,
        map: Callable[[Any], Any] | None = None,
        allow_404: bool = True,
        one: bool = False,
        decode: str | Literal[False] = False,
        is_id: bool = False,
        index: bool = False,
        postprocess: Callable[[Any], Any] | None = None,
    ) -> Callable[[Any], Any]:
        """A callback that reads JSON.

        *map* (or *postprocess*) converts the value; *allow_404* gives None for a 404; *one* takes
        the first item of a list; *decode* names a base64 field of each item; *is_id* takes the
        ``ID``; *index* gives (index, value).
        """
        convert = map or postprocess

        def read(response: Any) -> Any:
            cls._status(response, allow_404)
            response = answers.normal(response)
            if response.code == 404:
                data = None
            else:
                data = answers.parse(response)
                try:
                    if decode:
                        for item in data:
                            if item.get(decode) is not None:
                                item[decode] = a2b_base64(item[decode])
                    if is_id:
                        data = data["ID"]
                except answers.MISSHAPEN as reason:
                    raise answers.bad(response, "answer is of another shape") from reason
                if one:
                    data = answers.first_of(response, data)
                if convert:
                    data = convert(data)
            return answers.indexed_data(response, data) if index else data

        return read

    # Last, because the name hides the type for all that follows.
    @classmethod
    def bool(cls) -> Callable[[Any], Any]:
        """True for 200; an exception for the rest."""

        def read(response: Any) -> Any:
            cls._status(response, allow_404=False)
            return response.code == 200

        return read

    boolean = bool
