"""`kp7 serve`: web and worker in one process."""

import asyncio
from types import FrameType

import structlog
import uvicorn

from bot.app import running, web_app
from bot.channels.web import Hub
from bot.logs import log_as_json
from bot.settings import Settings


class _Server(uvicorn.Server):
    """Live streams never end by themselves: they are told to, or a graceful stop would wait for them."""

    hub: Hub | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.hub:
            self.hub.close()
        super().handle_exit(sig, frame)


def run(settings: Settings) -> int:
    """Returns an exit code."""
    log_as_json()
    return asyncio.run(_run(settings))


async def _run(settings: Settings) -> int:
    async with running(settings) as kp7:
        config = uvicorn.Config(
            web_app(kp7),
            host=settings.host,
            port=settings.port,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
        server = _Server(config)
        server.hub = kp7.web.hub if kp7.web else None
        announced = asyncio.create_task(_announce(server, kp7.settings))
        await server.serve()
        announced.cancel()
        return 0 if server.started else 1


async def _announce(server: uvicorn.Server, settings: Settings) -> None:
    while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
        await asyncio.sleep(0.02)
    address = settings.address
    if settings.demo:
        print(f"\n  KP7 is running.\n\n  chat     {address}/chat\n  mailbox  {address}/mail\n", flush=True)
        print("  People to try: samples/README.md. Stop with Ctrl-C.\n", flush=True)
    else:
        structlog.get_logger().info("ready", address=address)
