"""What every flavour needs and what does no I/O: requests, answers, settings, steps."""
