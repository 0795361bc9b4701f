"""Every event that LINE sends, or may think of: it means something to us or nothing, and is never an error."""

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.line.decode import AHEAD_SECONDS, OLDEST_SECONDS, TOKEN_SECONDS, decode
from bot.channels.line.fake import FakeLine, Json
from bot.channels.line.fake_webhooks import Webhooks, group_id, redelivered, room_id, standby, user_id
from bot.events import Event, File, Invited, Left, Opened, Other, Press, Text, Unsent
from bot.topic import Incoming
from tests.channels.line.openapi import FOLDER, needs_openapi, validate_delivery

NOW = 1_795_000_000_000
SECOND, HOUR, DAY = 1_000, 3_600_000, 86_400_000
SOMCHAI, STAFF, ROOM = user_id(1), group_id(1), room_id(1)
says = Webhooks(FakeLine(clock=lambda: NOW), "secret")


def taken(raw: object, now: int = NOW) -> Incoming:
    found = decode(raw, now)
    assert found is not None
    return found


# --- what it means ----------------------------------------------------------------------------------------------------

MEANINGS: list[tuple[Json, Event | None]] = [
    (says.text(SOMCHAI, "๑-๙๙๙๙"), Text("๑-๙๙๙๙")),
    (says.text(SOMCHAI, " \n\u3000"), Other()),
    (says.postback(SOMCHAI, "c1.0.abc"), Press("c1.0.abc")),
    (says.postback(SOMCHAI, "go:login", {"date": "2026-11-21"}), Press("go:login")),
    (says.follow(SOMCHAI), Opened()),
    (says.follow(SOMCHAI, unblocked=True), Opened()),
    (says.unfollow(SOMCHAI), Left()),
    (says.unsend(SOMCHAI, "500000000000000001"), Unsent("500000000000000001")),
    (says.sticker(SOMCHAI), Other()),
    (says.location(SOMCHAI), Other()),
    (says.image(SOMCHAI), File("", "image/*", -1)),
    (says.video(SOMCHAI, b"mp4"), File("", "video/*", -1)),
    (says.audio(SOMCHAI, b"m4a"), File("", "audio/*", -1)),
    (says.file(SOMCHAI, "กพ7.pdf", b"%PDF-"), File("กพ7.pdf", "", 5)),
    (says.file(SOMCHAI, "ก" * 300, b""), File("ก" * 255, "", 0)),
    (says.beacon(SOMCHAI), None),
    (says.video_play_complete(SOMCHAI), None),
    (says.account_link(SOMCHAI, "nonce"), None),
    (says.unknown(SOMCHAI), None),
    (standby(says.text(SOMCHAI, "to somebody else")), None),
    (says.join(STAFF), Invited()),
    (says.join(ROOM), Invited()),
    (says.text(SOMCHAI, "profile", group=STAFF), Invited()),
    (says.image(SOMCHAI, group=ROOM), Invited()),
    (says.postback(SOMCHAI, "go:profile", group=STAFF), None),
    (says.unsend(SOMCHAI, "1", group=STAFF), None),
    (says.leave(STAFF), None),
    (says.member_joined(STAFF, SOMCHAI), None),
    (says.member_left(STAFF, SOMCHAI), None),
]


def without_reference(event: Event) -> Event:
    return replace(event, reference="") if isinstance(event, File) else event


@pytest.mark.parametrize(("raw", "event"), MEANINGS, ids=lambda value: str(value)[:40])
def test_what_an_event_means(raw: Json, event: Event | None) -> None:
    found = decode(raw, NOW)
    assert (without_reference(found.event) if found else None) == event
    if found:
        assert (found.channel, found.at, found.event_id) == ("line", NOW, raw["webhookEventId"])
        assert found.token == ("" if raw["type"] == "message" and event == Invited() else raw.get("replyToken", ""))


@pytest.mark.parametrize("chat", [STAFF, ROOM])
def test_in_a_group_the_answer_goes_to_the_group_and_nobody_is_known_there(chat: str) -> None:
    found = taken(says.text(SOMCHAI, "1999900000013", group=chat))
    assert found.external_id == chat
    assert found.event == Invited()
    assert SOMCHAI not in repr(found)


# --- ids, tokens, times -----------------------------------------------------------------------------------------------


def test_a_repeat_is_recognised_with_and_without_an_id() -> None:
    event = says.text(SOMCHAI, "hello")
    assert taken(redelivered(event)).event_id == taken(event).event_id
    nameless = {name: value for name, value in event.items() if name != "webhookEventId"}
    assert taken(redelivered(nameless)).event_id == taken(nameless).event_id
    assert taken(nameless).event_id != taken({**nameless, "timestamp": NOW + 1}).event_id
    for odd in ("", " ", "ก", "x" * 65, "a\nb", 7, None, ["x"]):
        assert taken({**event, "webhookEventId": odd}).event_id not in (odd, taken(event).event_id)


def test_how_long_a_token_is_trusted() -> None:
    """A repeat's token is as old as its event; of a first delivery only our own clock is asked."""
    event = says.text(SOMCHAI, "hello")
    half = NOW + 30 * SECOND
    assert taken(event, half).token_until == half + TOKEN_SECONDS * SECOND
    assert taken(redelivered(event), half).token_until == NOW + TOKEN_SECONDS * SECOND
    assert taken(redelivered(event), NOW - HOUR).token_until == NOW - HOUR + TOKEN_SECONDS * SECOND
    odd_ones: tuple[object, ...] = ("", " ", "ก", "x" * 257, "a b", 7, None, {})
    for odd in odd_ones:
        assert taken({**event, "replyToken": odd}).token == ""


def test_what_is_too_old_to_be_recognised_is_not_taken_at_all() -> None:
    event = says.text(SOMCHAI, "hello")
    assert taken(event, NOW + OLDEST_SECONDS * SECOND).at == NOW
    assert decode(event, NOW + OLDEST_SECONDS * SECOND + 1) is None
    assert decode(redelivered(event), NOW + 3 * DAY) is None


@pytest.mark.parametrize("at", [NOW + AHEAD_SECONDS * SECOND + 1, 1 << 49, 0, -1, True, 1.5, "1795000000000", None, []])
def test_a_time_that_cannot_be_orders_nothing(at: object) -> None:
    """Taken at its word, one from the far future would make all that follows come late."""
    assert taken({**says.text(SOMCHAI, "hello"), "timestamp": at}).at == 0


def test_a_clock_that_is_a_little_ahead_is_believed() -> None:
    assert taken({**says.text(SOMCHAI, "hello"), "timestamp": NOW + HOUR}).at == NOW + HOUR


def test_a_picture_of_elsewhere_is_a_picture_and_its_address_goes_nowhere() -> None:
    outside = {"type": "external", "originalContentUrl": "http://169.254.169.254/", "previewImageUrl": "http://[::1]/"}
    event = says.image(SOMCHAI)
    found = taken({**event, "message": {**event["message"], "contentProvider": outside}})
    assert found.event == File("", "image/*", -1)
    assert "169.254" not in repr(found)


def test_a_file_is_known_by_lines_own_name_for_it_and_by_its_place_in_an_album() -> None:
    for number, raw in enumerate(says.album(SOMCHAI, [b"1", b"2", b"3"]), 1):
        assert taken(raw).event == File("", "image/*", -1, raw["message"]["id"], (number, 3))


@pytest.mark.parametrize("album", [None, {}, [], "3", {"index": 4, "total": 3}, {"index": 0, "total": 0}, {"index": 1}])
def test_an_album_that_is_none_is_a_picture_alone(album: object) -> None:
    event = says.image(SOMCHAI)
    found = taken({**event, "message": {**event["message"], "imageSet": album}}).event
    assert isinstance(found, File)
    assert found.place == (1, 1)


@pytest.mark.parametrize("id", [None, 5, "", "../../richmenu", "1?x", "1/2", "๑", "1" * 65])
def test_a_name_that_is_none_of_lines_is_never_asked_for(id: object) -> None:
    event = says.image(SOMCHAI)
    found = taken({**event, "message": {**event["message"], "id": id}}).event
    assert isinstance(found, File)
    assert found.reference == ""


# --- anything at all --------------------------------------------------------------------------------------------------

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
known = [raw for raw, _ in MEANINGS]


def paths(value: object, here: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield (*here, name)
            yield from paths(inner, (*here, name))


def changed(raw: Json, path: tuple[str, ...], value: object) -> Json:
    name, *rest = path
    inside = raw.get(name)
    return {**raw, name: changed(inside, tuple(rest), value) if rest and isinstance(inside, dict) else value}


def sound(found: Incoming | None) -> bool:
    """As much as the inbox and the outbox rely on."""
    return found is None or (
        0 < len(found.event_id) <= 64
        and 0 < len(found.external_id) <= 64
        and (found.event_id + found.external_id).isascii()
        and (found.token == "" or found.token.isascii())
        and 0 <= found.at <= NOW + AHEAD_SECONDS * SECOND
        and 0 < found.token_until <= NOW + TOKEN_SECONDS * SECOND
    )


@given(values)
def test_any_json_at_all(value: object) -> None:
    assert sound(decode(value, NOW))


@given(st.data(), st.sampled_from(known), values)
def test_any_json_in_any_field(data: st.DataObject, raw: Json, value: object) -> None:
    odd = changed(raw, data.draw(st.sampled_from(list(paths(raw)))), value)
    assert sound(decode(odd, NOW))


@given(st.data(), st.sampled_from(known))
def test_any_field_missing(data: st.DataObject, raw: Json) -> None:
    gone = data.draw(st.sets(st.sampled_from(list(raw))))
    assert sound(decode({name: value for name, value in raw.items() if name not in gone}, NOW))


@given(values, values, values)
def test_any_json_beside_what_we_know(event: object, inside: object, beside: object) -> None:
    """New fields come without notice."""
    raw = says.text(SOMCHAI, "hello")
    odd = {
        **raw,
        "new": event,
        "message": {**raw["message"], "new": inside},
        "source": {**raw["source"], "new": beside},
    }
    assert taken(odd).event == Text("hello")


# --- LINE's own description -------------------------------------------------------------------------------------------


class Described:
    """Examples after LINE's `webhook.yml`: each kind of everything that comes in kinds."""

    def __init__(self) -> None:
        with (Path(FOLDER) / "webhook.yml").open(encoding="utf-8") as file:
            self._schemas: dict[str, Json] = yaml.safe_load(file)["components"]["schemas"]

    def kinds(self, base: str) -> dict[str, str]:
        mapping: dict[str, str] = self._schemas[base]["discriminator"]["mapping"]
        return {kind: ref.rsplit("/", 1)[-1] for kind, ref in mapping.items()}

    def events(self) -> Iterator[Json]:
        for (kind, name), source in itertools.product(self.kinds("Event").items(), self.kinds("Source")):
            for content in self.kinds("MessageContent") if kind == "message" else ("",):
                event = self._object(name, {"type": kind, "timestamp": NOW, "mode": "active"})
                event["source"] = self._object(self.kinds("Source")[source], {"type": source})
                if content:
                    event["message"] = self._object(self.kinds("MessageContent")[content], {"type": content})
                yield event
                yield {name: value for name, value in event.items() if name != "source"}

    def _object(self, name: str, fixed: Json) -> Json:
        made = {key: self._value(schema) for key, schema in self._properties({"$ref": name}).items()}
        return {**made, **fixed}

    def _properties(self, schema: Json) -> dict[str, Json]:
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"].rsplit("/", 1)[-1]]
        found: dict[str, Json] = {}
        for part in schema.get("allOf", ()):
            found |= self._properties(part)
        own: dict[str, Json] = schema.get("properties", {})
        return found | own

    def _value(self, schema: Json) -> object:
        named = str(schema.get("$ref", "")).rsplit("/", 1)[-1]
        whole = self._schemas[named] if named else schema
        if "discriminator" in whole:
            kind, name = next(iter(self.kinds(named).items()))
            return self._object(name, {whole["discriminator"]["propertyName"]: kind})
        if "enum" in whole:
            return whole["enum"][0]
        match whole.get("type"):
            case "array":
                return [self._value(whole["items"])]
            case "integer" | "number":
                return 1
            case "boolean":
                return True
            case "string":
                return "https://example.com/" if whole.get("format") == "uri" else "x" * whole.get("minLength", 1)
        return {key: self._value(inner) for key, inner in self._properties(whole).items()}


@needs_openapi
def test_every_kind_of_event_that_line_describes() -> None:
    described = Described()
    kinds: set[str] = set()
    for event in described.events():
        if "source" in event:
            problems = validate_delivery({"destination": SOMCHAI, "events": [event]})
            assert not [p for p in problems if p.startswith(("$.events[0].type", "$.events[0].message"))], event
        assert sound(decode(json.loads(json.dumps(event)), NOW))
        kinds.add(event["type"])
    assert kinds == set(described.kinds("Event"))
    assert len(kinds) > 15
