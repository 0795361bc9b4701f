"""What LINE refuses of a message with 400, known before LINE is asked (pure).

The rules are those of the Messaging API's reference: its OpenAPI file has the shapes, the pages beside it the limits.
Where the two leave a choice the stricter one stands here, so that LINE takes what passes. Texts are measured in UTF-16
units, labels in graphemes, bubbles in bytes of compact UTF-8 JSON with 1,000 bytes to the KB.

A check takes (value, where it stands) and yields problems; an object's check is a table of its properties' checks.
"""

import json
import re
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping

import regex

Problem = tuple[str, str]  # property path as LINE writes it (`messages[0].text`), what is wrong there
Check = Callable[[object, str], Iterator[Problem]]

BUBBLE_BYTES = 30_000
CAROUSEL_BYTES = 50_000


def of_messages(messages: object) -> list[Problem]:
    """Everything wrong with the `messages` of a reply, push or multicast; empty if LINE takes them."""
    return list(_array(_message, 1, 5)(messages, "messages"))


def of_reply(body: Mapping[str, object]) -> list[Problem]:
    return [*_text(1, 1_000)(body.get("replyToken"), "replyToken"), *_sending(body)]


def of_push(body: Mapping[str, object]) -> list[Problem]:
    """To one user, group or room."""
    return [*_id("UCR")(body.get("to"), "to"), *_sending(body)]


def of_multicast(body: Mapping[str, object]) -> list[Problem]:
    return [*_array(_id("U"), 1, 500)(body.get("to"), "to"), *_sending(body)]


def of_loading(body: Mapping[str, object]) -> list[Problem]:
    seconds = body.get("loadingSeconds", 20)
    found = list(_id("U")(body.get("chatId"), "chatId"))
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 5 <= seconds <= 60 or seconds % 5:
        found.append(("loadingSeconds", "must be a multiple of 5 between 5 and 60"))
    return found


def is_retry_key(key: str) -> bool:
    """A UUID in its usual 36 characters."""
    try:
        return str(uuid.UUID(key)) == key.lower()
    except ValueError:
        return False


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def graphemes(text: str) -> int:
    return len(regex.findall(r"\X", text))


def json_bytes(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def _sending(body: Mapping[str, object]) -> Iterator[Problem]:
    yield from of_messages(body.get("messages"))
    if "notificationDisabled" in body:
        yield from _boolean(body["notificationDisabled"], "notificationDisabled")


# --- values -----------------------------------------------------------------------------------------------------------


def _text(least: int, most: int, measure: Callable[[str], int] = utf16) -> Check:
    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield at, "must be a string"
        elif least and not value.strip():
            yield at, "may not be empty"
        elif not least <= measure(value) <= most:
            yield at, f"length must be between {least} and {most}"

    return check


def _label(most: int) -> Check:
    return _text(1, most, graphemes)


def _pattern(pattern: str, words: str) -> Check:
    compiled = re.compile(pattern)

    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            yield at, f"must be {words}"

    return check


def _one_of(*values: str) -> Check:
    def check(value: object, at: str) -> Iterator[Problem]:
        if value not in values:
            yield at, f"must be one of the following values: [{', '.join(values)}]"

    return check


def _size(*keywords: str, unit: str) -> Check:
    """One of the keywords, or a number of the units (`px`, `px|%`)."""
    either = "|".join((*map(re.escape, keywords), rf"[0-9]+(\.[0-9]+)?({unit})"))
    return _pattern(either, f"one of {', '.join((*keywords, ''))}or a number with {unit}")


def _whole(least: int, most: int) -> Check:
    def check(value: object, at: str) -> Iterator[Problem]:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            yield at, f"must be a whole number between {least} and {most}"

    return check


def _number(least: float, most: float) -> Check:
    def check(value: object, at: str) -> Iterator[Problem]:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            yield at, f"must be a number between {least} and {most}"

    return check


def _boolean(value: object, at: str) -> Iterator[Problem]:
    if not isinstance(value, bool):
        yield at, "must be true or false"


def _array(item: Check, least: int, most: int) -> Check:
    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield at, "must be an array"
        elif not least <= len(value) <= most:
            yield at, f"size must be between {least} and {most}"
        else:
            for index, inner in enumerate(value):
                yield from item(inner, f"{at}[{index}]")

    return check


def _object(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    known = {**required, **(optional or {})}

    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield at, "must be an object"
            return
        for name in required:
            if name not in value:
                yield f"{at}.{name}", "must be specified"
        for name, inner in value.items():
            if name in known:
                yield from known[name](inner, f"{at}.{name}")
            else:
                yield f"{at}.{name}", "unknown property"

    return check


def _tagged(checks: Mapping[str, Check]) -> Check:
    """An object whose `type` says which of the checks it must pass."""

    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield at, "must be an object"
            return
        kind = value.get("type")
        if not isinstance(kind, str) or kind not in checks:
            yield f"{at}.type", f"must be one of the following values: [{', '.join(checks)}]"
            return
        yield from checks[kind]({name: inner for name, inner in value.items() if name != "type"}, at)

    return check


def _both(*checks: Check) -> Check:
    def check(value: object, at: str) -> Iterator[Problem]:
        for one in checks:
            yield from one(value, at)

    return check


def _id(letters: str) -> Check:
    return _pattern(rf"[{letters}][0-9a-f]{{32}}", f"an id: {' or '.join(letters)} and 32 hexadecimal digits")


_url = _both(_text(1, 2_000), _pattern(r"https://[!-~]+", "an https address"))
_color = _pattern("#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?", "a colour: #RRGGBB or #RRGGBBAA")


# --- actions ----------------------------------------------------------------------------------------------------------

_uri = _both(_text(1, 1_000), _pattern(r"(https?://|line://|tel:)[!-~]+", "a uri with http, https, line or tel"))
_data = _text(1, 300)
_MOMENTS = {
    "date": r"\d{4}-\d\d-\d\d",
    "time": r"\d\d:\d\d",
    "datetime": r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d",
}


def _postback(value: object, at: str) -> Iterator[Problem]:
    if isinstance(value, dict):
        if "displayText" in value and "text" in value:
            yield f"{at}.text", "may not stand beside displayText"
        if "fillInText" in value and value.get("inputOption") != "openKeyboard":
            yield f"{at}.fillInText", "needs the inputOption openKeyboard"


def _moments(value: object, at: str) -> Iterator[Problem]:
    if isinstance(value, dict) and (form := _MOMENTS.get(str(value.get("mode")))):
        for name in ("initial", "min", "max"):
            if name in value:
                yield from _pattern(form, f"a {value['mode']}")(value[name], f"{at}.{name}")


def _action(label: Check, *, must: bool, but: Collection[str] = ()) -> Check:
    """`must`: without a label there is nothing to press. `but`: the types that this place does not have."""

    def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
        labels = {"label": label}
        return _object({**(labels if must else {}), **required}, {**labels, **(optional or {})})

    kinds: dict[str, Check] = {
        "postback": _both(
            shape(
                {"data": _data},
                {
                    "displayText": _text(1, 300),
                    "text": _text(1, 300),
                    "inputOption": _one_of("closeRichMenu", "openRichMenu", "openKeyboard", "openVoice"),
                    "fillInText": _text(1, 300),
                },
            ),
            _postback,
        ),
        "message": shape({"text": _text(1, 300)}),
        "uri": shape({"uri": _uri}, {"altUri": _object({"desktop": _uri})}),
        "datetimepicker": _both(
            shape(
                {"data": _data, "mode": _one_of(*_MOMENTS)},
                {"initial": _text(1, 16), "min": _text(1, 16), "max": _text(1, 16)},
            ),
            _moments,
        ),
        "clipboard": shape({"clipboardText": _text(1, 1_000)}),
        "camera": shape({}),
        "cameraRoll": shape({}),
        "location": shape({}),
    }
    return _tagged({kind: check for kind, check in kinds.items() if kind not in but})


# The camera, the album and the map open from a quick reply only.
_ONLY_QUICK = ("camera", "cameraRoll", "location")
_quick_action = _action(_label(20), must=True)
_flex_button_action = _action(_label(40), must=True, but=_ONLY_QUICK)
_flex_touch_action = _action(_label(40), must=False, but=_ONLY_QUICK)
_template_action = _action(_label(20), must=True, but=_ONLY_QUICK)
_template_touch_action = _action(_label(20), must=False, but=_ONLY_QUICK)


# --- Flex -------------------------------------------------------------------------------------------------------------

_STEPS = ("xs", "sm", "md", "lg", "xl", "xxl")
_LETTERS = ("xxs", *_STEPS, "3xl", "4xl", "5xl")

_margin = _size("none", *_STEPS, unit="px")
_padding = _size("none", *_STEPS, unit="px|%")
_extent = _size(unit="px|%")
_flex = _whole(0, 1_000)
_align = _one_of("start", "end", "center")
_gravity = _one_of("top", "bottom", "center")

_places: dict[str, Check] = {
    "margin": _margin,
    "position": _one_of("relative", "absolute"),
    **{f"offset{side}": _padding for side in ("Top", "Bottom", "Start", "End")},
}
_letters: dict[str, Check] = {
    "size": _size(*_LETTERS, unit="px"),
    "color": _color,
    "weight": _one_of("regular", "bold"),
    "style": _one_of("normal", "italic"),
    "decoration": _one_of("none", "underline", "line-through"),
}


def _aspect(value: object, at: str) -> Iterator[Problem]:
    found = re.fullmatch(r"([1-9][0-9]{0,5}):([1-9][0-9]{0,5})", value) if isinstance(value, str) else None
    if not found or max(int(found[1]), int(found[2])) > 100_000 or int(found[2]) > 3 * int(found[1]):
        yield at, "must be width:height, 1 to 100000 each, at most three times as high as wide"


def _text_or_spans(value: object, at: str) -> Iterator[Problem]:
    if isinstance(value, dict) and "text" not in value and not value.get("contents"):
        yield f"{at}.text", "must be specified"


_span = _object({"text": _text(1, 2_000)}, _letters)
_flex_text = _both(
    _object(
        {},
        {
            **_places,
            **_letters,
            "text": _text(1, 2_000),
            "contents": _array(_tagged({"span": _span}), 1, 100),
            "flex": _flex,
            "align": _align,
            "gravity": _gravity,
            "wrap": _boolean,
            "lineSpacing": _size(unit="px"),
            "maxLines": _whole(0, 1_000),
            "adjustMode": _one_of("shrink-to-fit"),
            "scaling": _boolean,
            "action": _flex_touch_action,
        },
    ),
    _text_or_spans,
)
_button = _object(
    {"action": _flex_button_action},
    {
        **_places,
        "flex": _flex,
        "color": _color,
        "style": _one_of("primary", "secondary", "link"),
        "gravity": _gravity,
        "height": _one_of("md", "sm"),
        "adjustMode": _one_of("shrink-to-fit"),
        "scaling": _boolean,
    },
)
_image = _object(
    {"url": _url},
    {
        **_places,
        "flex": _flex,
        "align": _align,
        "gravity": _gravity,
        "size": _size(*_LETTERS, "full", unit="px|%"),
        "aspectRatio": _aspect,
        "aspectMode": _one_of("fit", "cover"),
        "backgroundColor": _color,
        "animated": _boolean,
        "action": _flex_touch_action,
    },
)
_icon = _object(
    {"url": _url},
    {**_places, "size": _size(*_LETTERS, unit="px|%"), "aspectRatio": _aspect, "scaling": _boolean},
)
_separator = _object({}, {"margin": _margin, "color": _color})
_filler = _object({}, {"flex": _flex})
_gradient = _object(
    {"angle": _pattern(r"[0-9]+(\.[0-9]+)?deg", "an angle in deg"), "startColor": _color, "endColor": _color},
    {"centerColor": _color, "centerPosition": _size(unit="%")},
)


def _box(value: object, at: str) -> Iterator[Problem]:
    yield from _box_shape(value, at)
    contents = value.get("contents") if isinstance(value, dict) else None
    if isinstance(value, dict) and isinstance(contents, list):
        within = _in_baseline if value.get("layout") == "baseline" else _in_box
        yield from _array(within, 0, 1_000)(contents, f"{at}.contents")


def _any(_value: object, _at: str) -> Iterator[Problem]:
    yield from ()


def _list(value: object, at: str) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield at, "must be an array"


_box_shape = _object(
    {"layout": _one_of("horizontal", "vertical", "baseline"), "contents": _list},
    {
        **_places,
        "flex": _flex,
        "spacing": _margin,
        "backgroundColor": _color,
        "borderColor": _color,
        "borderWidth": _size("none", "light", "normal", "medium", "semi-bold", "bold", unit="px"),
        "cornerRadius": _margin,
        **dict.fromkeys(("width", "maxWidth", "height", "maxHeight"), _extent),
        **{f"padding{side}": _padding for side in ("All", "Top", "Bottom", "Start", "End")},
        "justifyContent": _one_of("center", "flex-start", "flex-end", "space-between", "space-around", "space-evenly"),
        "alignItems": _one_of("center", "flex-start", "flex-end"),
        "background": _tagged({"linearGradient": _gradient}),
        "action": _flex_touch_action,
    },
)
_in_baseline = _tagged({"text": _flex_text, "icon": _icon, "filler": _filler})
_in_box = _tagged(
    {
        "box": _box,
        "text": _flex_text,
        "button": _button,
        "image": _image,
        "separator": _separator,
        "filler": _filler,
    }
)
_video = _object(
    {"url": _url, "previewUrl": _url, "altContent": _tagged({"box": _box, "image": _image})},
    {"aspectRatio": _aspect, "action": _flex_touch_action},
)
_block = _tagged({"box": _box})
_BLOCKS = ("header", "hero", "body", "footer")
_block_style = _object({}, {"backgroundColor": _color, "separator": _boolean, "separatorColor": _color})
_bubble_shape = _object(
    {},
    {
        "direction": _one_of("ltr", "rtl"),
        "size": _one_of("nano", "micro", "deca", "hecto", "kilo", "mega", "giga"),
        "styles": _object({}, dict.fromkeys(_BLOCKS, _block_style)),
        "header": _block,
        "hero": _tagged({"box": _box, "image": _image, "video": _video}),
        "body": _block,
        "footer": _block,
        "action": _flex_touch_action,
    },
)


def _bubble(value: object, at: str) -> Iterator[Problem]:
    yield from _bubble_shape(value, at)
    if isinstance(value, dict):
        if not any(name in value for name in _BLOCKS):
            yield at, "must have a header, hero, body or footer"
        if json_bytes({"type": "bubble", **value}) > BUBBLE_BYTES:
            yield at, f"a bubble is at most {BUBBLE_BYTES} bytes"


def _carousel(value: object, at: str) -> Iterator[Problem]:
    yield from _object({"contents": _array(_tagged({"bubble": _bubble}), 1, 12)})(value, at)
    bubbles = value.get("contents") if isinstance(value, dict) else None
    if not isinstance(bubbles, list):
        return
    if json_bytes({"type": "carousel", "contents": bubbles}) > CAROUSEL_BYTES:
        yield at, f"a carousel is at most {CAROUSEL_BYTES} bytes"
    if len({str(bubble.get("size", "mega")) for bubble in bubbles if isinstance(bubble, dict)}) > 1:
        yield f"{at}.contents", "all bubbles must be of one size"
    for index, bubble in enumerate(bubbles):
        hero = bubble.get("hero") if isinstance(bubble, dict) else None
        if isinstance(hero, dict) and hero.get("type") == "video":
            yield f"{at}.contents[{index}].hero", "a carousel has no video"


# --- messages ---------------------------------------------------------------------------------------------------------

_alt_text = _text(1, 1_500)
_emoji = _object({"index": _whole(0, 5_000), "productId": _text(1, 100), "emojiId": _text(1, 100)})
_substitution = _tagged(
    {
        "mention": _object({"mentionee": _tagged({"user": _object({"userId": _id("U")}), "all": _object({})})}),
        "emoji": _object({"productId": _text(1, 100), "emojiId": _text(1, 100)}),
    }
)


def _substitutions(value: object, at: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield at, "must be an object"
        return
    for name, inner in value.items():
        yield from _substitution(inner, f"{at}.{name}")


_area = _object({name: _whole(0, 10_000) for name in ("x", "y", "width", "height")})
_imagemap_action = _tagged(
    {
        "message": _object({"area": _area, "text": _text(1, 400)}, {"label": _text(1, 100)}),
        "uri": _object({"area": _area, "linkUri": _uri}, {"label": _text(1, 100)}),
        "clipboard": _object({"area": _area, "clipboardText": _text(1, 1_000)}, {"label": _text(1, 100)}),
    }
)
_picture: dict[str, Check] = {
    "imageAspectRatio": _one_of("rectangle", "square"),
    "imageSize": _one_of("cover", "contain"),
}
_card: dict[str, Check] = {
    "thumbnailImageUrl": _url,
    "imageBackgroundColor": _color,
    "title": _text(1, 40),
    "defaultAction": _template_touch_action,
}


def _columns(value: object, at: str) -> Iterator[Problem]:
    """One card beside another: as many buttons on each, and a picture or a title on all or none."""
    columns = value.get("columns") if isinstance(value, dict) else None
    cards = [card for card in columns if isinstance(card, dict)] if isinstance(columns, list) else []
    counts = {len(card["actions"]) for card in cards if isinstance(card.get("actions"), list)}
    if len(counts) > 1:
        yield f"{at}.columns", "all columns must have the same number of actions"
    for name in ("title", "thumbnailImageUrl"):
        if len({name in card for card in cards}) > 1:
            yield f"{at}.columns", f"all columns or none must have {name}"


def _card_text(plain: int, beside: int) -> Check:
    """The text is shorter beside a title or a picture."""

    def check(value: object, at: str) -> Iterator[Problem]:
        if isinstance(value, dict) and "text" in value:
            most = beside if "title" in value or "thumbnailImageUrl" in value else plain
            yield from _text(1, most)(value["text"], f"{at}.text")

    return check


_template = _tagged(
    {
        "buttons": _both(
            _object({"text": _any, "actions": _array(_template_action, 1, 4)}, {**_card, **_picture}),
            _card_text(160, 60),
        ),
        "confirm": _object({"text": _text(1, 240), "actions": _array(_template_action, 2, 2)}),
        "carousel": _both(
            _object(
                {
                    "columns": _array(
                        _both(
                            _object({"text": _any, "actions": _array(_template_action, 1, 3)}, _card),
                            _card_text(120, 60),
                        ),
                        1,
                        10,
                    )
                },
                _picture,
            ),
            _columns,
        ),
        "image_carousel": _object(
            {
                "columns": _array(
                    _object({"imageUrl": _url, "action": _action(_label(12), must=False, but=_ONLY_QUICK)}), 1, 10
                )
            }
        ),
    }
)

_quote: dict[str, Check] = {"quoteToken": _text(1, 1_000)}
_common: dict[str, Check] = {
    "quickReply": _object(
        {"items": _array(_tagged({"action": _object({"action": _quick_action}, {"imageUrl": _url})}), 1, 13)}
    ),
    "sender": _object({}, {"name": _text(1, 20), "iconUrl": _url}),
}


def _kind(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    return _object(required, {**_common, **(optional or {})})


_message = _tagged(
    {
        "text": _kind({"text": _text(1, 5_000)}, {"emojis": _array(_emoji, 1, 20), **_quote}),
        "textV2": _kind({"text": _text(1, 5_000)}, {"substitution": _substitutions, **_quote}),
        "sticker": _kind(
            {name: _pattern("[0-9]+", "a number in a string") for name in ("packageId", "stickerId")}, _quote
        ),
        "image": _kind({"originalContentUrl": _url, "previewImageUrl": _url}),
        "video": _kind(
            {"originalContentUrl": _url, "previewImageUrl": _url},
            {"trackingId": _pattern(r"[a-zA-Z0-9.=,+*()%$&;:@{}!?<>\[\]-]{1,100}", "1 to 100 plain characters")},
        ),
        "audio": _kind({"originalContentUrl": _url, "duration": _whole(1, 2**53)}),
        "location": _kind(
            {
                "title": _text(1, 100),
                "address": _text(1, 100),
                "latitude": _number(-90, 90),
                "longitude": _number(-180, 180),
            }
        ),
        "imagemap": _kind(
            {
                "baseUrl": _url,
                "altText": _alt_text,
                "baseSize": _object({"width": _whole(1040, 1040), "height": _whole(1, 10_000)}),
                "actions": _array(_imagemap_action, 1, 50),
            },
            {
                "video": _object(
                    {"originalContentUrl": _url, "previewImageUrl": _url, "area": _area},
                    {"externalLink": _object({"linkUri": _uri, "label": _text(1, 30)})},
                )
            },
        ),
        "template": _kind({"altText": _alt_text, "template": _template}),
        "flex": _kind({"altText": _alt_text, "contents": _tagged({"bubble": _bubble, "carousel": _carousel})}),
        "coupon": _kind({"couponId": _text(1, 100)}, {"deliveryTag": _text(1, 30)}),
    }
)
