"""The retry policy."""

from consul.core.retry import Retry

__all__ = ["Retry"]
