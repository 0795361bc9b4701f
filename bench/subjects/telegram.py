"""(c) The same conversation on python-telegram-bot's ConversationHandler, its states in memory.

As its documentation shows for a web framework of one's own: `updater(None)`, updates through the queue and one after
the other, which ConversationHandler wants and which is also, measured, nearly three times as fast here as processing
them side by side: httpx slows down with many calls at once. Button presses are not acknowledged: that would be a call
more each.
"""

import hmac
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    ConversationHandler,
    MessageHandler,
    filters,
)
from telegram.warnings import PTBUserWarning

from bench import talk
from bench.platforms import SECRET, TOKEN
from bench.subjects.server import serve
from bot.events import Invalid

Context = ContextTypes.DEFAULT_TYPE
Handle = Callable[[Update, Context], Coroutine[Any, Any, int]]


async def ask(update: Update, context: Context, step: int) -> int:
    assert update.effective_chat
    assert context.user_data is not None
    keyboard = InlineKeyboardMarkup(
        [[InlineKeyboardButton(label, callback_data=data)] for label, data in talk.buttons(step)]
    )
    text = "\n\n".join(talk.lines(step, context.user_data))
    await context.bot.send_message(update.effective_chat.id, text, reply_markup=keyboard)
    return step


async def start(update: Update, context: Context) -> int:
    assert context.user_data is not None
    context.user_data.clear()
    return await ask(update, context, 0)


def answer(step: int) -> Handle:
    async def handle(update: Update, context: Context) -> int:
        query, message = update.callback_query, update.message
        said = query.data if query else message.text if message else ""
        assert update.effective_chat
        assert context.user_data is not None
        try:
            context.user_data[step] = talk.check(step, said or "")
        except Invalid as error:
            await context.bot.send_message(update.effective_chat.id, talk.refusal(error))
            return step
        return await ask(update, context, step + 1)

    return handle


def conversation() -> ConversationHandler[Context]:
    warnings.simplefilter("ignore", PTBUserWarning)  # buttons are tracked for each chat, which is what is wanted
    typed = filters.TEXT & ~filters.COMMAND
    return ConversationHandler(
        entry_points=[CommandHandler("start", start)],
        states={
            0: [CallbackQueryHandler(answer(0))],
            1: [CallbackQueryHandler(answer(1))],
            **{step: [MessageHandler(typed, answer(step))] for step in (2, 3, 4)},
            5: [],  # the laser code is asked for, and nobody answers
        },
        fallbacks=[CommandHandler("start", start)],
    )


def make(api_url: str) -> Starlette:
    application = Application.builder().token(TOKEN).base_url(f"{api_url}/bot").updater(None).build()
    application.add_handler(conversation())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with application:
            await application.start()
            yield
            await application.stop()

    async def webhook(request: Request) -> Response:
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(given.encode(), SECRET.encode()):
            return PlainTextResponse("secret", 403)
        await application.update_queue.put(Update.de_json(await request.json(), application.bot))
        return PlainTextResponse("OK")

    return Starlette(routes=[Route("/webhooks/telegram", webhook, methods=["POST"])], lifespan=lifespan)


if __name__ == "__main__":
    serve(make)
