"""Connections of Tornado, for `consul.tornado`."""
