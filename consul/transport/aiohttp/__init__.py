"""Sessions of aiohttp, for `consul.aio`."""
