"""People who play the toy registration, and what it must have come to by the model of `tests.toy`."""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Awaitable, Mapping
from typing import Any

from bot.channels.line.fake import Json
from bot.flow import Conversation
from bot.screen import load
from storage.vault import Keyring
from tests.kill.driver import REORDERED, Phone, Ward, crowd
from tests.kill.topic import HANDED, UNKNOWN, WRONG
from tests.toy import Check, Handed, LookUp, Model, Refused, Save, Send

ID, MAIL = "1999900000013", "somchai@example.go.th"
NOISE = (
    "register", "other", "back", "cancel", "help", "1", "2", ID, UNKNOWN, MAIL, "malee@example.go.th", "123456", WRONG,
    HANDED, "Nok", "choice.single", "choice.family", "choice.save", "choice.edit_id", "choice.edit_email",
    "choice.edit_kind", "choice.resend", "choice.yes",
)  # fmt: skip
PATIENCE = 1.0


def _next(phone: Phone, chance: random.Random) -> Json:
    """Mostly straight on; now and then anything, or a button of any screen of long ago."""
    screen = phone.screen
    if screen is None:
        return phone.opens()
    drawn = chance.random()
    if drawn < 0.10:
        return phone.says(chance.choice(NOISE))
    if drawn < 0.20:
        old = chance.choice(phone.seen).buttons
        return phone.press(old[chance.choice(sorted(old))])
    if drawn < 0.23:
        return phone.opens()
    asked = next((line for line in reversed(screen.text.split("\n")) if line and not line.startswith("#")), "")
    match asked.removeprefix("ask."):
        case "id":
            return phone.says(chance.choice((ID, ID, ID, UNKNOWN)))
        case "email" | "email_again":
            return phone.says(MAIL)
        case "code":
            return phone.says(chance.choice(("123456", "123456", HANDED, WRONG)))
        case "children":
            return phone.says(chance.choice("123"))
        case "child":
            return phone.says(f"child {chance.randrange(10**9)}")
        case "home.choose":
            return phone.taps(chance.choice(("menu.register", "menu.register", "menu.other")))
    choices = [label for label in screen.buttons if label.startswith("choice.")]
    if "choice.save" in choices and chance.random() < 0.6:
        return phone.taps("choice.save")
    return phone.taps(chance.choice(choices or sorted(screen.buttons)))


async def life(phone: Phone, length: int = 12) -> None:
    """Two events overtake each other now and then; not everybody waits for an answer."""
    chance = random.Random(phone.ward.chance.random())
    done = 0
    while done < length:
        first = _next(phone, chance)
        done += 1
        if chance.random() < REORDERED and phone.seen:
            await asyncio.sleep(0.002)
            second = _next(phone, chance)
            done += 1
            overtaking = asyncio.create_task(phone.ward.deliver(second))
            await asyncio.sleep(chance.choice((0.0, 0.01, 0.1)))
            await phone.ward.deliver(first)
            await overtaking
            continue
        await phone.ward.deliver(first)
        if chance.random() < 0.9:
            await phone.sees(first, PATIENCE)


async def live_through(ward: Ward, at_once: int, misfortune: Awaitable[None]) -> None:
    """So many people chat while it happens; in the end nothing was lost, done twice or said twice."""
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        chatting = group.create_task(crowd(ward, at_once, life, over))
        await misfortune
        over.set()
    await ward.settles()
    ward.check()
    check(ward)
    print(chatting.result(), "conversations;", ward.record)
    assert ward.record.duplicates == 0


# --- what it must come to -------------------------------------------------------------------------------------------


class Told:
    """One person's events, told to the model in the order of the inbox."""

    def __init__(self) -> None:
        self.model = Model(self._perform)
        self.newest = 0  # by LINE's clock
        self.turn = 0
        self.handed = 0  # how often a check was handed on, and which of them is waited for
        self.waits_for = 0
        self.results = 0
        self.history: list[str] = []

    def _perform(self, effect: Any) -> None:
        match effect:
            case LookUp(id) if id == UNKNOWN:
                raise Refused
            case Check(code=code) if code == WRONG:
                raise Refused
            case Check(code=code) if code == HANDED:
                self.handed += 1
                self.waits_for = self.handed
                raise Handed

    def result(self) -> None:
        """They come in the order in which they were asked for."""
        self.results += 1
        if self.model.waiting and self.results == self.waits_for:
            self.model.hear(good=True)

    def event(self, event: Json, labels: dict[str, str]) -> None:
        late = event["timestamp"] < self.newest
        self.newest = max(self.newest, event["timestamp"])
        if event["type"] == "message":
            if not late:
                self._typed(event["message"]["text"])
        elif event["type"] == "postback":
            self._pressed(event["postback"]["data"], labels)

    def _typed(self, text: str) -> None:
        model = self.model
        label = text.removeprefix("choice.")
        offered = () if model.waiting and model.stack[-1:] == ["register"] else Model.OFFERS.get(model.question, ())
        if text.startswith("choice.") and label in offered:
            model.press(label)
        elif text in ("register", "other"):
            model.start(text)
        elif text == "back":
            model.back()
        elif text == "cancel":
            model.cancel()
        elif text != "help":
            model.say(text)

    def _pressed(self, data: str, labels: dict[str, str]) -> None:
        if data.startswith("go:"):
            if data in ("go:register", "go:other"):
                self.model.start(data.removeprefix("go:"))
            return
        turn = int(data[1:].partition(".")[0], 16)
        if turn != self.turn:
            return  # an old button does nothing
        match labels[data].split("."):
            case ["control", "back"]:
                self.model.back()
            case ["control", "cancel"]:
                self.model.cancel()
            case ["choice", value]:
                self.model.press(value)


def check(ward: Ward) -> None:
    """After `ward.check`: the state of every account is what the model comes to."""
    told: dict[str, Told] = defaultdict(Told)
    labels = {
        phone.user: {data: label for seen in phone.seen for label, data in seen.buttons.items()}
        for phone in ward.phones.values()
    }
    for row in ward.rows(
        "SELECT p.channel, p.event_id, p.turn, p.stack, a.external_id AS user FROM applied p "
        "JOIN accounts a ON a.id = p.account_id ORDER BY seq"
    ):
        person = told[row["user"]]
        if row["event_id"].startswith("outbox:"):
            person.result()
        else:
            user, event = ward.events[row["event_id"]]
            assert user == row["user"]
            person.event(event, labels[user])
        person.turn = row["turn"]
        person.history.append(_did(ward, row, person.model))
    saved: dict[str, list[Any]] = defaultdict(list)
    for row in ward.rows("SELECT account, what FROM saved ORDER BY seq"):
        saved[row["account"]].append(json.loads(row["what"]))
    mails = 0
    for user, person in told.items():
        convo, model = _conversation(ward, user), person.model
        stack = [frame.flow for frame in convo.frames]
        assert stack == model.stack, "\n".join((*person.history, str(stack)))
        kept = next((frame.results for frame in convo.frames if frame.flow == "register"), {})
        stored = {key: value for key, (value, _) in kept.items()}
        assert stored == model.kept, "\n".join((*person.history, str(stored), str(model.kept)))
        assert saved[user] == [[e.id, e.email, list(e.children)] for e in model.did if isinstance(e, Save)], user
        assert person.results == person.handed, f"{user}: a result was lost"
        mails += sum(isinstance(effect, Send) for effect in model.did)
    assert len(ward.mails()) == mails, f"{mails} mails were promised, {len(ward.mails())} came"


def _did(ward: Ward, row: Mapping[str, Any], model: Model) -> str:
    """One line of a story, for whoever must find out what went wrong."""
    _, event = ward.events.get(row["event_id"], ("", {}))
    what = event.get("message", {}).get("text") or event.get("postback", {}).get("data") or event.get("type", "result")
    must = f"{model.stack} {model.question!r}"
    return f"{event.get('timestamp', 0)} {what!r}: {must}; really {row['stack']}, turn {row['turn']:x}"


def _conversation(ward: Ward, user: str) -> Conversation:
    [row] = ward.rows(
        "SELECT a.id, c.state, k.id AS key_id, k.wrapped FROM accounts a JOIN conversations c ON c.account_id = a.id "
        "JOIN keys k ON k.id = a.key_id WHERE a.external_id = ?",
        user,
    )
    ring = Keyring(ward.vault().unwrap(row["key_id"], row["wrapped"]), None)
    return load(ring.open(row["state"], "conversations", row["id"], "state"))
