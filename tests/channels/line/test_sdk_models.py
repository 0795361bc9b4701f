"""What we send is what LINE's own SDK would send: read into its models and written again, no field is lost or changed.

Of the whole SDK only the models are used here; KP7 speaks to LINE itself (see `bot.channels.line.api`).
"""

import warnings
from typing import Any

import pytest

from bot.channels.line.fake import Json
from bot.channels.line.fake_webhooks import user_id
from bot.channels.line.render import render
from bot.events import LANGUAGES, Button, Language, Message, Style
from bot.text import Texts
from bot.walk import message_json

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the SDK's own, about the library under its models
    from linebot.v3.messaging import PushMessageRequest, ReplyMessageRequest, ShowLoadingAnimationRequest

TEXTS = Texts()
STYLES: tuple[Style, ...] = ("primary", "normal", "quiet")
LABELS = ("menu.", "choice.", "control.")
SENTENCES = ("ask.", "error.", "help.", "wait.", "home.", "login.", "register.", "notice.", "group.")


def rendered(message: Message) -> list[Json]:
    return render(message_json(message))


def screens(language: Language) -> list[Message]:
    """Each sentence of the catalogue over some of its buttons, up to all that a card has."""
    labels = list(TEXTS.prefixed(language, *LABELS).values())
    found = []
    for n, words in enumerate(TEXTS.prefixed(language, *SENTENCES).values()):
        some = [labels[(n + i) % len(labels)] for i in range(n % 25)]
        buttons = tuple(Button(label, f"c{n:x}.{i:x}.AbC_-", STYLES[i % 3]) for i, label in enumerate(some))
        found.append(Message((words, words), buttons, language=language))
    return found


def again(model: Any, body: Json) -> Json:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = model.from_dict(body)
        assert read is not None
        written: Json = read.to_dict()
    return written


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_survives_the_sdk(language: Language) -> None:
    messages = [rendered(message) for message in screens(language)]
    assert len(messages) > 50
    assert {len(message) for message in messages} == {1, 2}
    for one in messages:
        reply: Json = {"replyToken": "token", "messages": one, "notificationDisabled": False}
        push: Json = {"to": user_id(1), "messages": one, "notificationDisabled": False}
        assert again(ReplyMessageRequest, reply) == reply
        assert again(PushMessageRequest, push) == push


def test_a_long_text_survives_the_sdk() -> None:
    body: Json = {"replyToken": "t", "messages": rendered(Message(("ก" * 24_000,))), "notificationDisabled": False}
    assert len(body["messages"]) == 5
    assert again(ReplyMessageRequest, body) == body


def test_the_animation_survives_the_sdk() -> None:
    body: Json = {"chatId": user_id(1), "loadingSeconds": 20}
    assert again(ShowLoadingAnimationRequest, body) == body


@pytest.mark.parametrize("change", [{"colour": "red"}, {"altTxt": "x"}])
def test_the_sdk_drops_what_line_does_not_know(change: Json) -> None:
    """So a field that we misspell would be missed above."""
    card = rendered(Message(("x",), (Button("ก", "c1"),)))[-1]
    body: Json = {"replyToken": "t", "messages": [{**card, **change}], "notificationDisabled": False}
    assert again(ReplyMessageRequest, body) != body
