"""The checks let pass what LINE takes, and refuse what LINE refuses where and why LINE does."""

from typing import Any

import pytest

from bot.channels.line import checks
from bot.channels.line.fake import Json
from bot.channels.line.fake_webhooks import group_id, room_id, user_id
from tests.channels.line.openapi import component, mapped, needs_openapi, validate_request

HELLO: Json = {"type": "text", "text": "สวัสดี"}
# 27 code points, 19 graphemes.
APPROVE = "อนุมัติเอกสารฉบับนี้ทั้งหมด"
MARKED = "กี้"  # one grapheme of three code points
ELEPHANT = "🐘"  # one grapheme of two UTF-16 units


def _flex(*contents: Any, **bubble: Any) -> Json:
    body = {"type": "box", "layout": "vertical", "contents": list(contents)}
    return {"type": "flex", "altText": "เอกสาร", "contents": {"type": "bubble", "body": body, **bubble}}


def _words(**more: Any) -> Json:
    return {"type": "text", "text": "x", **more}


def _button(label: str = "ตกลง", **action: Any) -> Json:
    return {"type": "button", "action": {"type": "postback", "label": label, "data": "d", **action}}


def _box(*contents: Any, **more: Any) -> Json:
    return {"type": "box", "layout": "vertical", "contents": list(contents), **more}


def _carousel(*bubbles: Json) -> Json:
    return {"type": "flex", "altText": "x", "contents": {"type": "carousel", "contents": list(bubbles)}}


def _bubble(text: str = "x", **more: Any) -> Json:
    return {"type": "bubble", "body": _box(_words(text=text)), **more}


def _quick(*items: Json, **action: Any) -> Json:
    given = items or ({"type": "action", "action": action},)
    return {**HELLO, "quickReply": {"items": list(given)}}


def _postback(**more: Any) -> Json:
    return {"type": "postback", "label": "ตกลง", "data": "d", **more}


def _without(value: Json, name: str) -> Json:
    return {key: inner for key, inner in value.items() if key != name}


def _template(kind: str, **more: Any) -> Json:
    return {"type": "template", "altText": "x", "template": {"type": kind, **more}}


def _gradient(angle: str) -> Json:
    return {"type": "linearGradient", "angle": angle, "startColor": "#000000", "endColor": "#FFFFFF"}


def _choices(count: int) -> Json:
    return _quick(*[{"type": "action", "action": _postback()}] * count)


def _link(uri: str) -> Json:
    return _quick(type="uri", label="x", uri=uri)


PICTURE: Json = {
    "type": "image",
    "originalContentUrl": "https://kp7.example.go.th/f/1.jpg",
    "previewImageUrl": "https://kp7.example.go.th/f/2.jpg",
}
PLACE: Json = {"type": "location", "title": "สำนักงาน", "address": "กรุงเทพฯ", "latitude": 13.7, "longitude": 100.5}
BODY = "messages[0].contents.body.contents[0]"
ACTION = "messages[0].quickReply.items[0].action"

# What LINE takes, what it does not, and what it says is wrong with that: (property, in its message).
PAIRS: dict[str, tuple[Json, Json, str, str]] = {
    "a known type": (HELLO, {"type": "file"}, "messages[0].type", "one of the following"),
    "a text": (HELLO, {"type": "text"}, "messages[0].text", "must be specified"),
    "some text": (HELLO, {"type": "text", "text": ""}, "messages[0].text", "empty"),
    "not too much text": (_words(text="ก" * 5_000), _words(text="ก" * 5_001), "messages[0].text", "5000"),
    "text counts UTF-16": (_words(text=ELEPHANT * 2_500), _words(text=ELEPHANT * 2_501), "messages[0].text", "5000"),
    "nothing unknown": (HELLO, {**HELLO, "colour": "#000000"}, "messages[0].colour", "unknown"),
    "textV2": (
        {"type": "textV2", "text": "{a}", "substitution": {"a": {"type": "mention", "mentionee": {"type": "all"}}}},
        {"type": "textV2", "text": "{a}", "substitution": {"a": {"type": "mention", "mentionee": {"type": "one"}}}},
        "messages[0].substitution.a.mentionee.type", "one of the following",
    ),
    "a sender's name": (
        {**HELLO, "sender": {"name": "KP7"}}, {**HELLO, "sender": {"name": "K" * 21}}, "messages[0].sender.name", "20",
    ),
    "https pictures": (
        PICTURE, {**PICTURE, "originalContentUrl": "http://x/1.jpg"}, "messages[0].originalContentUrl", "https",
    ),
    "addresses of 2,000": (
        {**PICTURE, "previewImageUrl": "https://" + "x" * 1_992},
        {**PICTURE, "previewImageUrl": "https://" + "x" * 1_993}, "messages[0].previewImageUrl", "2000",
    ),
    "a preview": (PICTURE, _without(PICTURE, "previewImageUrl"), "messages[0].previewImageUrl", "specified"),
    "a place on earth": (PLACE, {**PLACE, "latitude": 91}, "messages[0].latitude", "between -90 and 90"),
    "a sticker's number": (
        {"type": "sticker", "packageId": "446", "stickerId": "1988"},
        {"type": "sticker", "packageId": 446, "stickerId": "1988"}, "messages[0].packageId", "string",
    ),
    "two answers to confirm": (
        _template("confirm", text="แน่ใจไหม", actions=[_postback()] * 2),
        _template("confirm", text="แน่ใจไหม", actions=[_postback()]), "messages[0].template.actions", "between 2 and 2",
    ),
    "short text beside a title": (
        _template("buttons", text="x" * 160, actions=[_postback()]),
        _template("buttons", title="x", text="x" * 61, actions=[_postback()]), "messages[0].template.text", "60",
    ),
    "alike columns": (
        _template("carousel", columns=[{"text": "x", "actions": [_postback()]}] * 2),
        _template("carousel", columns=[{"text": "x", "actions": [_postback()] * n} for n in (1, 2)]),
        "messages[0].template.columns", "same number",
    ),
    # Flex
    "an alternative text": (_flex(_words()), {**_flex(_words()), "altText": " "}, "messages[0].altText", "empty"),
    "not too long a one": (
        {**_flex(_words()), "altText": "ก" * 1_500}, {**_flex(_words()), "altText": ELEPHANT * 751},
        "messages[0].altText", "1500",
    ),
    "a container": (
        _flex(_words()), {**_flex(), "contents": {"type": "box"}}, "messages[0].contents.type", "[bubble, carousel]",
    ),
    "a block": (
        _flex(_words()), {**_flex(), "contents": {"type": "bubble"}},
        "messages[0].contents", "header, hero, body or footer",
    ),
    "a box as body": (_flex(), _flex(body=_words()), "messages[0].contents.body.type", "[box]"),
    "text in a text": (_flex(_words()), _flex({"type": "text", "text": ""}), f"{BODY}.text", "empty"),
    "text or spans": (
        _flex({"type": "text", "contents": [{"type": "span", "text": "x"}]}), _flex({"type": "text"}),
        f"{BODY}.text", "specified",
    ),
    "spans in a text": (
        _flex({"type": "text", "contents": [{"type": "span", "text": "x", "decoration": "underline"}]}),
        _flex({"type": "span", "text": "x"}), f"{BODY}.type", "one of the following",
    ),
    "weights": (_flex(_words(weight="bold")), _flex(_words(weight="heavy")), f"{BODY}.weight", "[regular, bold]"),
    "sizes by name": (_flex(_words(size="3xl")), _flex(_words(size="huge")), f"{BODY}.size", "xxl"),
    "sizes in pixels": (_flex(_words(size="13.5px")), _flex(_words(size="50%")), f"{BODY}.size", "px"),
    "percent of a picture": (
        _flex({"type": "image", "url": "https://x/1", "size": "50%"}),
        _flex({"type": "image", "url": "https://x/1", "size": "50pt"}), f"{BODY}.size", "%",
    ),
    "scaling": (_flex(_words(scaling=True)), _flex(_words(scaling="yes")), f"{BODY}.scaling", "true or false"),
    "colours": (_flex(_words(color="#11AA33")), _flex(_words(color="green")), f"{BODY}.color", "#RRGGBB"),
    "whole flex": (_flex(_words(flex=0)), _flex(_words(flex=0.5)), f"{BODY}.flex", "whole number"),
    "a wrap that is no number": (_flex(_words(wrap=True)), _flex(_words(wrap=1)), f"{BODY}.wrap", "true or false"),
    "known properties": (_flex(_words(maxLines=2)), _flex(_words(lines=2)), f"{BODY}.lines", "unknown"),
    "layouts": (_flex(_box()), _flex(_box(layout="grid")), f"{BODY}.layout", "horizontal, vertical, baseline"),
    "contents of a box": (_flex(_box()), _flex(_without(_box(), "contents")), f"{BODY}.contents", "specified"),
    "spacing": (_flex(_box(spacing="md")), _flex(_box(spacing="5%")), f"{BODY}.spacing", "px"),
    "padding": (_flex(_box(paddingAll="5%")), _flex(_box(paddingAll="5")), f"{BODY}.paddingAll", "px"),
    "icons in a baseline": (
        _flex(_box({"type": "icon", "url": "https://x/1"}, layout="baseline")),
        _flex(_box({"type": "icon", "url": "https://x/1"})), f"{BODY}.contents[0].type", "one of the following",
    ),
    "no button in a baseline": (
        _flex(_box(_words(), layout="baseline")), _flex(_box(_button(), layout="baseline")),
        f"{BODY}.contents[0].type", "[text, icon, filler]",
    ),
    "deep inside": (
        _flex(_box(_box(_words()))), _flex(_box(_box(_words(align="left")))),
        f"{BODY}.contents[0].contents[0].align", "[start, end, center]",
    ),
    "a gradient": (
        _flex(_box(background=_gradient("0deg"))), _flex(_box(background=_gradient("0"))),
        f"{BODY}.background.angle", "deg",
    ),
    "separators": (
        _flex({"type": "separator", "margin": "md"}), _flex({"type": "separator", "height": "1px"}),
        f"{BODY}.height", "unknown",
    ),
    "fillers": (_flex({"type": "filler"}), _flex({"type": "filler", "size": "md"}), f"{BODY}.size", "unknown"),
    "an aspect ratio": (
        _flex({"type": "image", "url": "https://x/1", "aspectRatio": "1:3"}),
        _flex({"type": "image", "url": "https://x/1", "aspectRatio": "1:4"}), f"{BODY}.aspectRatio", "three times",
    ),
    "a video on top": (
        _flex(hero={"type": "video", "url": "https://x/1", "previewUrl": "https://x/2", "altContent": _box()}),
        _flex({"type": "video", "url": "https://x/1", "previewUrl": "https://x/2", "altContent": _box()}),
        f"{BODY}.type", "one of the following",
    ),
    "an action on a button": (_flex(_button()), _flex({"type": "button"}), f"{BODY}.action", "specified"),
    "a label on a button": (
        _flex(_button()), _flex({"type": "button", "action": _without(_postback(), "label")}),
        f"{BODY}.action.label", "specified",
    ),
    "no label on a box": (
        _flex(_box(action=_without(_postback(), "label"))), _flex(_box(action=_without(_postback(), "data"))),
        f"{BODY}.action.data", "specified",
    ),
    "labels of 40 graphemes": (_flex(_button(MARKED * 40)), _flex(_button(MARKED * 41)), f"{BODY}.action.label", "40"),
    "styles of buttons": (
        _flex({**_button(), "style": "primary"}), _flex({**_button(), "style": "danger"}), f"{BODY}.style", "primary",
    ),
    "no camera in Flex": (
        _quick(type="camera", label="ถ่ายรูป"), _flex({"type": "button", "action": {"type": "camera", "label": "ถ่ายรูป"}}),
        f"{BODY}.action.type", "one of the following",
    ),
    "bubbles of 30 KB": (
        _flex(*[_words(text="ก" * 2_000)] * 4), _flex(*[_words(text="ก" * 2_000)] * 5), "messages[0].contents", "30000",
    ),
    "twelve bubbles": (
        _carousel(*[_bubble()] * 12), _carousel(*[_bubble()] * 13), "messages[0].contents.contents", "12",
    ),
    "carousels of 50 KB": (
        _carousel(*[_bubble("ก" * 1_900)] * 8), _carousel(*[_bubble("ก" * 1_900)] * 9), "messages[0].contents", "50000",
    ),
    "bubbles of one size": (
        _carousel(_bubble(size="kilo"), _bubble(size="kilo")), _carousel(_bubble(size="kilo"), _bubble()),
        "messages[0].contents.contents", "one size",
    ),
    # quick replies and actions
    "thirteen quick replies": (_choices(13), _choices(14), "messages[0].quickReply.items", "between 1 and 13"),
    "at least one": (
        _choices(1), {**HELLO, "quickReply": {"items": []}}, "messages[0].quickReply.items", "between 1 and 13",
    ),
    "labels of quick replies": (_quick(**_postback()), _quick(type="location"), f"{ACTION}.label", "specified"),
    "labels of 20 graphemes": (
        _quick(**_postback(label=APPROVE)), _quick(**_postback(label=MARKED * 21)), f"{ACTION}.label", "20",
    ),
    "an icon by https": (
        _quick({"type": "action", "action": _postback(), "imageUrl": "https://x/1.png"}),
        _quick({"type": "action", "action": _postback(), "imageUrl": "ftp://x/1.png"}),
        "messages[0].quickReply.items[0].imageUrl", "https",
    ),
    "a known action": (_quick(**_postback()), _quick(type="jump", label="x"), f"{ACTION}.type", "one of the following"),
    "no rich menu here": (
        _quick(**_postback()), _quick(type="richmenuswitch", label="x", richMenuAliasId="a", data="d"),
        f"{ACTION}.type", "one of the following",
    ),
    "data": (_quick(**_postback(data="d" * 300)), _quick(**_postback(data="d" * 301)), f"{ACTION}.data", "300"),
    "some data": (_quick(**_postback()), _quick(**_postback(data="")), f"{ACTION}.data", "empty"),
    "a display text": (
        _quick(**_postback(displayText="x" * 300)), _quick(**_postback(displayText="x" * 301)),
        f"{ACTION}.displayText", "300",
    ),
    "one thing to say": (
        _quick(**_postback(displayText="x")), _quick(**_postback(displayText="x", text="x")),
        f"{ACTION}.text", "beside",
    ),
    "a keyboard to fill in": (
        _quick(**_postback(inputOption="openKeyboard", fillInText="x")), _quick(**_postback(fillInText="x")),
        f"{ACTION}.fillInText", "openKeyboard",
    ),
    "words of a message": (
        _quick(type="message", label="x", text="x"), _quick(type="message", label="x"), f"{ACTION}.text", "specified",
    ),
    "a uri": (_link("https://kp7.example.go.th"), _link("javascript:alert(1)"), f"{ACTION}.uri", "http, https, line"),
    "telephones": (_link("tel:021234567"), _link("mailto:a@example.go.th"), f"{ACTION}.uri", "tel"),
    "LINE's own": (_link("line://nv/camera/"), _link("line:nv"), f"{ACTION}.uri", "line"),
    "uris of 1,000": (_link("https://" + "x" * 992), _link("https://" + "x" * 993), f"{ACTION}.uri", "1000"),
    "picking a date": (
        _quick(type="datetimepicker", label="x", data="d", mode="date", initial="2026-11-21"),
        _quick(type="datetimepicker", label="x", data="d", mode="date", initial="21/11/2569"),
        f"{ACTION}.initial", "a date",
    ),
    "a mode to pick in": (
        _quick(type="datetimepicker", label="x", data="d", mode="time"),
        _quick(type="datetimepicker", label="x", data="d", mode="year"), f"{ACTION}.mode", "[date, time, datetime]",
    ),
    "the camera": (
        _quick(type="camera", label="x"), _quick(type="camera", label="x", data="d"), f"{ACTION}.data", "unknown",
    ),
    "the album": (_quick(type="cameraRoll", label="x"), _quick(type="cameraRoll"), f"{ACTION}.label", "specified"),
    "the map": (_quick(type="location", label="x"), _quick(type="location", label=""), f"{ACTION}.label", "empty"),
    "the clipboard": (
        _quick(type="clipboard", label="x", clipboardText="x" * 1_000),
        _quick(type="clipboard", label="x", clipboardText="x" * 1_001), f"{ACTION}.clipboardText", "1000",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_a_message(name: str) -> None:
    good, bad, at, says = PAIRS[name]
    assert checks.of_messages([good]) == []
    ((found_at, found),) = checks.of_messages([bad])
    assert (found_at, says in found) == (at, True), found


def test_one_to_five_messages() -> None:
    assert checks.of_messages([HELLO] * 5) == []
    for wrong in ([], [HELLO] * 6):
        assert checks.of_messages(wrong) == [("messages", "size must be between 1 and 5")]
    assert checks.of_messages(None) == [("messages", "must be an array")]


def test_each_problem_is_named_where_it_is() -> None:
    found = checks.of_messages([HELLO, _words(text=""), _flex(_words(color="red"), _button(data=""))])
    assert [at for at, _ in found] == [
        "messages[1].text",
        "messages[2].contents.body.contents[0].color",
        "messages[2].contents.body.contents[1].action.data",
    ]


@pytest.mark.parametrize("odd", [None, True, 7, "text", [], {}, {"type": []}, {"type": {}}])
def test_what_is_no_message_at_all_is_a_problem_and_not_a_crash(odd: object) -> None:
    assert checks.of_messages([odd])
    assert checks.of_messages([_flex(odd)])
    assert checks.of_messages([{**_flex(), "contents": odd}])
    assert checks.of_messages([_carousel(odd)])  # type: ignore[arg-type]
    assert checks.of_messages([{**HELLO, "quickReply": odd}])
    assert checks.of_messages([{**HELLO, "quickReply": {"items": [odd]}}])


def test_labels_are_counted_as_people_count_and_texts_as_line_does() -> None:
    assert (len(APPROVE), checks.graphemes(APPROVE)) == (27, 19)
    assert (len(ELEPHANT), checks.utf16(ELEPHANT)) == (1, 2)


def test_whom_to_send_to() -> None:
    for to in (user_id(1), group_id(1), room_id(1)):
        assert checks.of_push({"to": to, "messages": [HELLO]}) == []
    wrong: tuple[object, ...] = ("somchai", "U123", "U" + "F" * 32, None)
    for odd in wrong:
        assert [at for at, _ in checks.of_push({"to": odd, "messages": [HELLO]})] == ["to"]
    assert checks.of_multicast({"to": [user_id(n) for n in range(500)], "messages": [HELLO]}) == []
    ((_, many),) = checks.of_multicast({"to": [user_id(n) for n in range(501)], "messages": [HELLO]})
    assert "500" in many
    assert [at for at, _ in checks.of_multicast({"to": [user_id(1), group_id(1)], "messages": [HELLO]})] == ["to[1]"]


@pytest.mark.parametrize(
    ("seconds", "good"), [(5, True), (60, True), (0, False), (7, False), (65, False), ("5", False)]
)
def test_how_long_to_load(seconds: object, good: bool) -> None:
    assert (checks.of_loading({"chatId": user_id(1), "loadingSeconds": seconds}) == []) is good


def test_only_a_person_sees_the_loading_animation() -> None:
    assert [at for at, _ in checks.of_loading({"chatId": group_id(1)})] == ["chatId"]


@needs_openapi
@pytest.mark.parametrize("name", PAIRS)
def test_what_passes_is_what_line_describes(name: str) -> None:
    assert validate_request("/v2/bot/message/push", {"to": user_id(1), "messages": [PAIRS[name][0]]}) == []


@needs_openapi
def test_every_property_of_flex_that_line_describes_is_known() -> None:
    places = {"video": "hero", "span": "contents"}
    assert set(mapped("FlexComponent")) == {
        "box",
        "button",
        "image",
        "video",
        "icon",
        "text",
        "span",
        "separator",
        "filler",
    }
    for kind, schema in mapped("FlexComponent").items():
        for name in component(schema):
            odd = {"type": kind, **({"layout": "vertical"} if kind == "box" else {}), name: None}
            match places.get(kind):
                case "hero":
                    message = _flex(hero=odd)
                case "contents":
                    message = _flex({"type": "text", "contents": [odd]})
                case _:
                    message = _flex(_box(odd, layout="baseline" if kind == "icon" else "vertical"))
            assert [at for at, what in checks.of_messages([message]) if "unknown" in what] == [], (kind, name)


@needs_openapi
def test_every_property_of_messages_and_actions_that_line_describes_is_known() -> None:
    for kind, schema in mapped("Message").items():
        for name in component(schema):
            found = checks.of_messages([{"type": kind, name: None} if name != "type" else {"type": kind}])
            assert not [at for at, what in found if "unknown" in what or at == "messages[0].type"], (kind, name)
    for kind, schema in mapped("Action").items():
        for name in component(schema):
            found = checks.of_messages([_quick(**{name: None, "type": kind})])
            assert not [at for at, what in found if "unknown" in what], (kind, name)
            refused = [at for at, _ in found if at == f"{ACTION}.type"]
            assert bool(refused) == (kind == "richmenuswitch"), "which belongs to rich menus alone"
