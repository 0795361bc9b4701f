"""Messages of every kind, with what stands beside them: quick replies, a sender, a quoted message (pure)."""

from collections.abc import Iterator, Mapping

from bot.channels.line.checks.actions import (
    ONLY_QUICK,
    action,
    quick_action,
    template_action,
    template_touch_action,
    uri,
)
from bot.channels.line.checks.flex import bubble, carousel
from bot.channels.line.checks.values import (
    Check,
    Problem,
    anything,
    array,
    both,
    color,
    label,
    line_id,
    number,
    one_of,
    pattern,
    properties,
    tagged,
    text,
    url,
    whole,
)

_alt_text = text(1, 1_500)
_emoji = properties({"index": whole(0, 5_000), "productId": text(1, 100), "emojiId": text(1, 100)})
_substitution = tagged(
    {
        "mention": properties(
            {"mentionee": tagged({"user": properties({"userId": line_id("U")}), "all": properties({})})}
        ),
        "emoji": properties({"productId": text(1, 100), "emojiId": text(1, 100)}),
    }
)


def _substitutions(value: object, at: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield at, "must be an object"
        return
    for name, inner in value.items():
        yield from _substitution(inner, f"{at}.{name}")


_area = properties({name: whole(0, 10_000) for name in ("x", "y", "width", "height")})
_imagemap_action = tagged(
    {
        "message": properties({"area": _area, "text": text(1, 400)}, {"label": text(1, 100)}),
        "uri": properties({"area": _area, "linkUri": uri}, {"label": text(1, 100)}),
        "clipboard": properties({"area": _area, "clipboardText": text(1, 1_000)}, {"label": text(1, 100)}),
    }
)
_picture: dict[str, Check] = {
    "imageAspectRatio": one_of("rectangle", "square"),
    "imageSize": one_of("cover", "contain"),
}
_card: dict[str, Check] = {
    "thumbnailImageUrl": url,
    "imageBackgroundColor": color,
    "title": text(1, 40),
    "defaultAction": template_touch_action,
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
            yield from text(1, most)(value["text"], f"{at}.text")

    return check


_template = tagged(
    {
        "buttons": both(
            properties({"text": anything, "actions": array(template_action, 1, 4)}, {**_card, **_picture}),
            _card_text(160, 60),
        ),
        "confirm": properties({"text": text(1, 240), "actions": array(template_action, 2, 2)}),
        "carousel": both(
            properties(
                {
                    "columns": array(
                        both(
                            properties({"text": anything, "actions": array(template_action, 1, 3)}, _card),
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
        "image_carousel": properties(
            {
                "columns": array(
                    properties({"imageUrl": url, "action": action(label(12), must=False, but=ONLY_QUICK)}), 1, 10
                )
            }
        ),
    }
)

_quote: dict[str, Check] = {"quoteToken": text(1, 1_000)}
_common: dict[str, Check] = {
    "quickReply": properties(
        {"items": array(tagged({"action": properties({"action": quick_action}, {"imageUrl": url})}), 1, 13)}
    ),
    "sender": properties({}, {"name": text(1, 20), "iconUrl": url}),
}


def _kind(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    return properties(required, {**_common, **(optional or {})})


message = tagged(
    {
        "text": _kind({"text": text(1, 5_000)}, {"emojis": array(_emoji, 1, 20), **_quote}),
        "textV2": _kind({"text": text(1, 5_000)}, {"substitution": _substitutions, **_quote}),
        "sticker": _kind(
            {name: pattern("[0-9]+", "a number in a string") for name in ("packageId", "stickerId")}, _quote
        ),
        "image": _kind({"originalContentUrl": url, "previewImageUrl": url}),
        "video": _kind(
            {"originalContentUrl": url, "previewImageUrl": url},
            {"trackingId": pattern(r"[a-zA-Z0-9.=,+*()%$&;:@{}!?<>\[\]-]{1,100}", "1 to 100 plain characters")},
        ),
        "audio": _kind({"originalContentUrl": url, "duration": whole(1, 2**53)}),
        "location": _kind(
            {
                "title": text(1, 100),
                "address": text(1, 100),
                "latitude": number(-90, 90),
                "longitude": number(-180, 180),
            }
        ),
        "imagemap": _kind(
            {
                "baseUrl": url,
                "altText": _alt_text,
                "baseSize": properties({"width": whole(1040, 1040), "height": whole(1, 10_000)}),
                "actions": array(_imagemap_action, 1, 50),
            },
            {
                "video": properties(
                    {"originalContentUrl": url, "previewImageUrl": url, "area": _area},
                    {"externalLink": properties({"linkUri": uri, "label": text(1, 30)})},
                )
            },
        ),
        "template": _kind({"altText": _alt_text, "template": _template}),
        "flex": _kind({"altText": _alt_text, "contents": tagged({"bubble": bubble, "carousel": carousel})}),
        "coupon": _kind({"couponId": text(1, 100)}, {"deliveryTag": text(1, 30)}),
    }
)
