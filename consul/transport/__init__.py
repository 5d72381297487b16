"""What the adapters stand on: connections, TLS, threads; a folder for each world."""
