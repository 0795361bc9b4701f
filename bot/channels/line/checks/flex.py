"""Flex messages: bubbles and what they are made of, and carousels (pure).

Bubbles are measured in bytes of compact UTF-8 JSON, with 1,000 bytes to the KB.
"""

import re
from collections.abc import Iterator

from bot.channels.line.checks.actions import flex_button_action, flex_touch_action
from bot.channels.line.checks.values import (
    Check,
    Problem,
    a_list,
    array,
    boolean,
    both,
    color,
    json_bytes,
    one_of,
    pattern,
    properties,
    size,
    tagged,
    text,
    url,
    whole,
)

BUBBLE_BYTES = 30_000
CAROUSEL_BYTES = 50_000

_STEPS = ("xs", "sm", "md", "lg", "xl", "xxl")
_LETTERS = ("xxs", *_STEPS, "3xl", "4xl", "5xl")

_margin = size("none", *_STEPS, unit="px")
_padding = size("none", *_STEPS, unit="px|%")
_extent = size(unit="px|%")
_flex = whole(0, 1_000)
_align = one_of("start", "end", "center")
_gravity = one_of("top", "bottom", "center")

_places: dict[str, Check] = {
    "margin": _margin,
    "position": one_of("relative", "absolute"),
    **{f"offset{side}": _padding for side in ("Top", "Bottom", "Start", "End")},
}
_letters: dict[str, Check] = {
    "size": size(*_LETTERS, unit="px"),
    "color": color,
    "weight": one_of("regular", "bold"),
    "style": one_of("normal", "italic"),
    "decoration": one_of("none", "underline", "line-through"),
}


def _aspect(value: object, at: str) -> Iterator[Problem]:
    found = re.fullmatch(r"([1-9][0-9]{0,5}):([1-9][0-9]{0,5})", value) if isinstance(value, str) else None
    if not found or max(int(found[1]), int(found[2])) > 100_000 or int(found[2]) > 3 * int(found[1]):
        yield at, "must be width:height, 1 to 100000 each, at most three times as high as wide"


def _text_or_spans(value: object, at: str) -> Iterator[Problem]:
    if isinstance(value, dict) and "text" not in value and not value.get("contents"):
        yield f"{at}.text", "must be specified"


_span = properties({"text": text(1, 2_000)}, _letters)
_flex_text = both(
    properties(
        {},
        {
            **_places,
            **_letters,
            "text": text(1, 2_000),
            "contents": array(tagged({"span": _span}), 1, 100),
            "flex": _flex,
            "align": _align,
            "gravity": _gravity,
            "wrap": boolean,
            "lineSpacing": size(unit="px"),
            "maxLines": whole(0, 1_000),
            "adjustMode": one_of("shrink-to-fit"),
            "scaling": boolean,
            "action": flex_touch_action,
        },
    ),
    _text_or_spans,
)
_button = properties(
    {"action": flex_button_action},
    {
        **_places,
        "flex": _flex,
        "color": color,
        "style": one_of("primary", "secondary", "link"),
        "gravity": _gravity,
        "height": one_of("md", "sm"),
        "adjustMode": one_of("shrink-to-fit"),
        "scaling": boolean,
    },
)
_image = properties(
    {"url": url},
    {
        **_places,
        "flex": _flex,
        "align": _align,
        "gravity": _gravity,
        "size": size(*_LETTERS, "full", unit="px|%"),
        "aspectRatio": _aspect,
        "aspectMode": one_of("fit", "cover"),
        "backgroundColor": color,
        "animated": boolean,
        "action": flex_touch_action,
    },
)
_icon = properties(
    {"url": url},
    {**_places, "size": size(*_LETTERS, unit="px|%"), "aspectRatio": _aspect, "scaling": boolean},
)
_separator = properties({}, {"margin": _margin, "color": color})
_filler = properties({}, {"flex": _flex})
_gradient = properties(
    {"angle": pattern(r"[0-9]+(\.[0-9]+)?deg", "an angle in deg"), "startColor": color, "endColor": color},
    {"centerColor": color, "centerPosition": size(unit="%")},
)


def _box(value: object, at: str) -> Iterator[Problem]:
    yield from _box_shape(value, at)
    contents = value.get("contents") if isinstance(value, dict) else None
    if isinstance(value, dict) and isinstance(contents, list):
        within = _in_baseline if value.get("layout") == "baseline" else _in_box
        yield from array(within, 0, 1_000)(contents, f"{at}.contents")


_box_shape = properties(
    {"layout": one_of("horizontal", "vertical", "baseline"), "contents": a_list},
    {
        **_places,
        "flex": _flex,
        "spacing": _margin,
        "backgroundColor": color,
        "borderColor": color,
        "borderWidth": size("none", "light", "normal", "medium", "semi-bold", "bold", unit="px"),
        "cornerRadius": _margin,
        **dict.fromkeys(("width", "maxWidth", "height", "maxHeight"), _extent),
        **{f"padding{side}": _padding for side in ("All", "Top", "Bottom", "Start", "End")},
        "justifyContent": one_of("center", "flex-start", "flex-end", "space-between", "space-around", "space-evenly"),
        "alignItems": one_of("center", "flex-start", "flex-end"),
        "background": tagged({"linearGradient": _gradient}),
        "action": flex_touch_action,
    },
)
_in_baseline = tagged({"text": _flex_text, "icon": _icon, "filler": _filler})
_in_box = tagged(
    {
        "box": _box,
        "text": _flex_text,
        "button": _button,
        "image": _image,
        "separator": _separator,
        "filler": _filler,
    }
)
_video = properties(
    {"url": url, "previewUrl": url, "altContent": tagged({"box": _box, "image": _image})},
    {"aspectRatio": _aspect, "action": flex_touch_action},
)
_block = tagged({"box": _box})
_BLOCKS = ("header", "hero", "body", "footer")
_block_style = properties({}, {"backgroundColor": color, "separator": boolean, "separatorColor": color})
_bubble_shape = properties(
    {},
    {
        "direction": one_of("ltr", "rtl"),
        "size": one_of("nano", "micro", "deca", "hecto", "kilo", "mega", "giga"),
        "styles": properties({}, dict.fromkeys(_BLOCKS, _block_style)),
        "header": _block,
        "hero": tagged({"box": _box, "image": _image, "video": _video}),
        "body": _block,
        "footer": _block,
        "action": flex_touch_action,
    },
)


def bubble(value: object, at: str) -> Iterator[Problem]:
    yield from _bubble_shape(value, at)
    if isinstance(value, dict):
        if not any(name in value for name in _BLOCKS):
            yield at, "must have a header, hero, body or footer"
        if json_bytes({"type": "bubble", **value}) > BUBBLE_BYTES:
            yield at, f"a bubble is at most {BUBBLE_BYTES} bytes"


def carousel(value: object, at: str) -> Iterator[Problem]:
    yield from properties({"contents": array(tagged({"bubble": bubble}), 1, 12)})(value, at)
    bubbles = value.get("contents") if isinstance(value, dict) else None
    if not isinstance(bubbles, list):
        return
    if json_bytes({"type": "carousel", "contents": bubbles}) > CAROUSEL_BYTES:
        yield at, f"a carousel is at most {CAROUSEL_BYTES} bytes"
    if len({str(one.get("size", "mega")) for one in bubbles if isinstance(one, dict)}) > 1:
        yield f"{at}.contents", "all bubbles must be of one size"
    for index, one in enumerate(bubbles):
        hero = one.get("hero") if isinstance(one, dict) else None
        if isinstance(hero, dict) and hero.get("type") == "video":
            yield f"{at}.contents[{index}].hero", "a carousel has no video"
