"""What takes more than one request: coroutines over steps, run by every flavour."""
