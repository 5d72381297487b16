"""The description of a call, for code that looks at what ``client.describe`` returns."""

from consul.core.limits import Limits
from consul.core.request import Call, Request, Response

__all__ = ["Call", "Limits", "Request", "Response"]
