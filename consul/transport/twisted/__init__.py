"""Connections and TLS of Twisted, for `consul.twisted`."""
