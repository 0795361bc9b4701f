"""A message of ours as LINE's messages: the words as text, the buttons as a Flex card and as quick replies. Pure.

LINE for PC shows no quick replies, so the card holds every button; on a phone the quick replies bring the answers (not
back, help and cancel) above the keyboard. Buttons of the card are boxes with text, not Flex buttons: those cut a label
that is too wide, a text wraps.

Limits (LINE Messaging API reference): text and alternative text count UTF-16 units, labels count graphemes. What our
catalogues say is well below them; what somebody's name makes too long is cut between graphemes, never through one.

Pictures and pages of ours are absolute addresses here. LINE takes pictures by https only: without it there are none.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import regex

from bot.channels.shown import pictures_of
from bot.events import PICTURES

TEXT = 5_000  # UTF-16 units
ALT_TEXT = 1_500
MESSAGES = 5  # a call
QUICK_REPLIES = 13
QUICK_LABEL = 20  # graphemes
FLEX_LABEL = 40
DISPLAY_TEXT = 300
ROW = 3  # controls side by side, of so many graphemes together
ROW_LABELS = 24
BUTTONS = 24
LABELS = 2_000  # UTF-16 units of a card's labels: three times each, at most 18 KB of the 30 KB that a bubble may have

Json = dict[str, Any]

_COLOURS = {"primary": ("#0B5D4E", "#FFFFFF"), "normal": ("#E7F1EE", "#0B4A3F")}  # background, text: contrast ≥ 7:1
_GRAPHEME = regex.compile(r"\X")


def render(message: Mapping[str, Any], address: str = "") -> list[Json]:
    """`message`: the JSON form of `bot.events.Message`. `address`: where our pages are. → one to five messages."""
    buttons = [_leading(button, address) for button in _fitting(message["buttons"][:BUTTONS])]
    pictures = [address + path for path in pictures_of(message)[:PICTURES]] if address.startswith("https://") else []
    parts = [part for part in _split("\n\n".join(message["lines"])) if part.strip()]  # LINE takes no blank message
    words = MESSAGES - bool(buttons) - len(pictures)
    messages: list[Json] = [{"type": "text", "text": part} for part in parts[:words]]
    messages += [{"type": "image", "originalContentUrl": path, "previewImageUrl": path} for path in pictures]
    if buttons:
        messages.append(_card(buttons))
        shown = [b for b in buttons if b["style"] != "quiet" and _graphemes(b["label"]) <= QUICK_LABEL]
        if quick := [_quick(button) for button in shown]:
            messages[-1]["quickReply"] = {"items": quick[:QUICK_REPLIES]}
    return messages


def _fitting(buttons: Sequence[Json]) -> list[Json]:
    most = min(DISPLAY_TEXT, LABELS // len(buttons)) if buttons else 0
    return [{**button, "label": cut(button["label"], most)} for button in buttons]


def _leading(button: Json, address: str) -> Json:
    return {**button, "link": address + button["link"]} if button.get("link") else button


def _card(buttons: Sequence[Json]) -> Json:
    choices = [_choice(button) for button in buttons if button["style"] != "quiet"]
    quiet = [button for button in buttons if button["style"] == "quiet"]
    if quiet:
        fit = len(quiet) <= ROW and sum(_graphemes(button["label"]) for button in quiet) <= ROW_LABELS
        layout = "horizontal" if fit else "vertical"  # side by side only where no word would be broken
        controls = [_control(button) for button in quiet]
        choices.append({"type": "box", "layout": layout, "spacing": "sm", "contents": controls})
    body = {"type": "box", "layout": "vertical", "spacing": "md", "paddingAll": "12px", "contents": choices}
    return {
        "type": "flex",
        "altText": cut(" · ".join(button["label"] for button in buttons), ALT_TEXT),
        "contents": {"type": "bubble", "size": "kilo", "body": body},
    }


def _choice(button: Json) -> Json:
    background, colour = _COLOURS[button["style"]]
    return {
        "type": "box",
        "layout": "vertical",
        "backgroundColor": background,
        "cornerRadius": "8px",
        "paddingAll": "12px",
        "action": _action(button, FLEX_LABEL),
        "contents": [_words(button, colour, weight="bold")],
    }


def _control(button: Json) -> Json:
    return {
        "type": "box",
        "layout": "vertical",
        "flex": _graphemes(button["label"]) + 3,  # as wide as its words need, edges included
        "borderWidth": "1px",
        "borderColor": "#9DB5AE",
        "cornerRadius": "8px",
        "paddingAll": "8px",
        "paddingStart": "4px",
        "paddingEnd": "4px",
        "justifyContent": "center",
        "action": _action(button, FLEX_LABEL),
        "contents": [_words(button, "#3D5A53", size="sm")],
    }


def _words(button: Json, colour: str, **more: Any) -> Json:
    return {
        "type": "text",
        "text": button["label"],
        "color": colour,
        "align": "center",
        "wrap": True,
        "scaling": True,  # larger where the phone is set to larger letters
        **more,
    }


def _quick(button: Json) -> Json:
    return {"type": "action", "action": _action(button, QUICK_LABEL)}


def _action(button: Json, label: int) -> Json:
    """Pressing it shows its words in the chat, as if they had been typed; or opens a page of ours."""
    if link := button.get("link"):
        return {"type": "uri", "label": _shorten(button["label"], label), "uri": link}
    return {
        "type": "postback",
        "label": _shorten(button["label"], label),
        "data": button["data"],
        "displayText": button["label"],
    }


# --- limits ---------------------------------------------------------------------------------------------------------


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@lru_cache(1024)  # the same few labels, over and over
def _graphemes(text: str) -> int:
    return len(_GRAPHEME.findall(text))


def _shorten(label: str, most: int) -> str:
    if len(label) <= most:  # never fewer code points than graphemes
        return label
    graphemes = _GRAPHEME.findall(label)
    return label if len(graphemes) <= most else "".join(graphemes[: most - 1]) + "…"


def cut(text: str, most: int) -> str:
    """At most so many UTF-16 units."""
    if utf16(text) <= most:
        return text
    return next(_split(text, most - 1)) + "…"


def _split(text: str, most: int = TEXT) -> Iterator[str]:
    """Parts of at most so many UTF-16 units, parted where a line ends, or at least between two graphemes."""
    while utf16(text) > most:
        size = end = line = 0  # `line`: after a line's end, where that wastes less than half
        for found in _GRAPHEME.finditer(text):
            size += utf16(found[0])
            if size > most:
                break
            end = found.end()
            if found[0] == "\n" and 2 * size >= most:
                line = end
        end = line or end or most // 2  # a single grapheme of thousands of marks is nobody's text
        yield text[:end].rstrip("\n")
        text = text[end:]
    if text:
        yield text
