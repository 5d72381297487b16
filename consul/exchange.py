"""What hooks are called with."""

from consul.core.hooks import Exchange, Hook

__all__ = ["Exchange", "Hook"]
