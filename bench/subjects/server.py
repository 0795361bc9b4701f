"""How every peer is served: as `kp7 serve` serves KP7."""

import sys
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette


def serve(make: Callable[[str], Starlette]) -> None:
    """`make(api_url)`: the application."""
    port, api = int(sys.argv[1]), sys.argv[2]
    uvicorn.run(
        make(api),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
