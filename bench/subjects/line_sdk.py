"""(b) A fair, minimal bot on line-bot-sdk: nothing is kept but a dict, nothing is sealed, nothing survives a crash.

As its authors' examples are written, and where there was a choice the faster one, measured: one client for all calls;
as many connections as there are webhooks in flight (SDK_POOL=default leaves the SDK's five a core, which starve it when
the API is slow; both are measured then); the reply goes out in a task after the 200 (the same rate as within the
request, and more when the API is slow).
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from linebot.v3 import WebhookParser
from linebot.v3.exceptions import InvalidSignatureError
from linebot.v3.messaging import (
    AsyncApiClient,
    AsyncMessagingApi,
    Configuration,
    FlexBox,
    FlexBubble,
    FlexButton,
    FlexMessage,
    FlexText,
    Message,
    PostbackAction,
    ReplyMessageRequest,
    TextMessage,
)
from linebot.v3.webhooks import FollowEvent, MessageEvent, PostbackEvent, TextMessageContent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bench import talk
from bench.platforms import SECRET
from bench.subjects.server import serve
from bot.events import Invalid


class Bot:
    def __init__(self, api: AsyncMessagingApi) -> None:
        self._api = api
        self._steps: dict[str, int] = {}
        self._answers: dict[str, dict[int, str]] = {}

    async def handle(self, event: Any) -> None:
        user = event.source.user_id
        match event:
            case FollowEvent():
                self._steps[user], self._answers[user] = 0, {}
                await self._ask(event, user)
            case PostbackEvent():
                await self._hear(event, user, event.postback.data)
            case MessageEvent(message=TextMessageContent()):
                await self._hear(event, user, event.message.text)

    async def _hear(self, event: Any, user: str, said: str) -> None:
        step = self._steps.get(user, 0)
        answers = self._answers.setdefault(user, {})
        try:
            answers[step] = talk.check(step, said)
        except Invalid as error:
            await self._send(event, [TextMessage(text=talk.refusal(error))])
            return
        self._steps[user] = step + 1
        await self._ask(event, user)

    async def _ask(self, event: Any, user: str) -> None:
        step = self._steps[user]
        *before, question = talk.lines(step, self._answers[user])
        buttons = [
            FlexButton(action=PostbackAction(label=label, data=data, display_text=label), height="sm")
            for label, data in talk.buttons(step)
        ]
        body = FlexBox(layout="vertical", contents=[FlexText(text=question, wrap=True)])
        bubble = FlexBubble(body=body, footer=FlexBox(layout="vertical", contents=buttons))
        text = [TextMessage(text=line) for line in before]
        await self._send(event, [*text, FlexMessage(alt_text=question, contents=bubble)])

    async def _send(self, event: Any, messages: list[Message]) -> None:
        await self._api.reply_message(ReplyMessageRequest(reply_token=event.reply_token, messages=messages))


def make(api_url: str) -> Starlette:
    parser = WebhookParser(SECRET)
    tasks: set[asyncio.Task[None]] = set()
    bots: list[Bot] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        configuration = Configuration(access_token="benchmark", host=api_url)  # noqa: S106
        if os.environ.get("SDK_POOL") != "default":
            configuration.connection_pool_maxsize = 256
        async with AsyncApiClient(configuration) as client:
            bots.append(Bot(AsyncMessagingApi(client)))
            yield

    async def webhook(request: Request) -> Response:
        body = (await request.body()).decode()
        try:
            events = parser.parse(body, request.headers["x-line-signature"])
        except InvalidSignatureError:
            return PlainTextResponse("signature", 400)
        for event in events:
            task = asyncio.create_task(bots[0].handle(event))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        return PlainTextResponse("OK")

    return Starlette(routes=[Route("/webhooks/line", webhook, methods=["POST"])], lifespan=lifespan)


if __name__ == "__main__":
    serve(make)
