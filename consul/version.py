"""The version, where both `consul` and `consul.base` can have it from."""

__version__ = "2.0.0-dev"
