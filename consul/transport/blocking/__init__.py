"""urllib3's connections and the threads, for `consul.std` and `consul.threads`."""
