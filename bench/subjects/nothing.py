"""(a) The same server, answering 200 without work: KP7's front door and headers, and nothing behind them."""

import asyncio
import sys

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bot import front
from bot.http import Headers, Straight
from bot.settings import Settings


async def webhook(request: Request) -> Response:
    await request.body()
    return PlainTextResponse("")


async def serve(port: int) -> None:
    app = Headers(Straight(Starlette(), {"/webhooks/line": webhook}), secure=False)
    server = uvicorn.Server(front.Config(app, Settings(_env_file=None, port=port)))
    sweep = asyncio.create_task(front.sweep(server.server_state))
    await server.serve()
    sweep.cancel()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
