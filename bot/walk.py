"""One event of one account: understand it, walk the conversation, perform what is open, say what follows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bot.events import Event, Invalid, Message, Press, Result, Say, Text
from bot.flow import Conversation, Frame, Happening, Resume, Script, Start, Step, begin, refuse, shown, supply, wait
from bot.outbox import Entry
from bot.screen import Buttons, Command, Unclear, dump, help_for, render, understand
from bot.settings import Settings
from bot.text import Texts
from bot.topic import Context, Facts, Later, Registry, Visitor
from storage import chats
from storage.database import Tx
from storage.ids import new_id
from storage.vault import Vault

ROUNDS = 8
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@dataclass(frozen=True)
class House:
    """What every walk needs and none changes."""

    registry: Registry
    texts: Texts
    vault: Vault
    settings: Settings
    buttons: Buttons
    starts: Mapping[str, str]

    @classmethod
    def of(cls, registry: Registry, texts: Texts, vault: Vault, settings: Settings) -> "House":
        starts = {f"words.start.{name}": name for name in registry.flows}
        return cls(registry, texts, vault, settings, Buttons(vault.secret("buttons")), starts)


class Walk:
    """`facts`: what was loaded for this account, by topic; what a new flow needs is loaded when it starts."""

    def __init__(
        self, house: House, tx: Tx, visitor: Visitor, convo: Conversation, facts: dict[int, Facts], now: int
    ) -> None:
        self._house, self._tx, self._facts, self._now = house, tx, facts, now
        self.visitor = visitor
        self.convo = convo
        self.entries: list[Entry] = []
        self.gone: set[str] = set()
        self._person_before = visitor.person_id if visitor.logged_in else None

    async def run(self, event: Event) -> None:
        line = await self._tidy()
        house, visitor = self._house, self.visitor
        newcomer = visitor.seen_at == 0
        match understand(event, visitor.id, self.convo, house.buttons, house.texts, house.starts):
            case Command("help"):
                step = await self._go(Resume())
                aid = [help_for(step, house.texts)]
                if house.settings.hr_contact:
                    aid.append(Say("help.contact", {"contact": house.settings.hr_contact}))
                step = replace(step, say=(*step.say, *aid))
            case Command(name):
                visitor.language = "en" if name == "lang.en" else "th"
                step = await self._go(Resume(Say("language_changed")))
            case Unclear():
                assert isinstance(event, Text)
                greeting = newcomer or house.texts.means(event.body, "words.hello")
                step = await self._go(Resume(None if greeting or line else Say("home.unclear")))
            case Start(flow) if flow not in house.registry.menu(visitor):
                step = await self._go(Resume(Say("error.not_offered" if visitor.logged_in else "error.login_first")))
            case meaning if line and isinstance(event, Text | Press) and not isinstance(meaning, Start):
                step = await self._go(Resume())  # it was an answer to a session that is over
            case meaning:
                step = await self._go(meaning)
        if not isinstance(event, Result):
            visitor.seen_at = self._now
        self._finish(replace(step, say=(line, *step.say), silent=False) if line else step)

    def apologise(self) -> None:
        """What this account was doing cannot go on; it starts afresh."""
        self.visitor.seen_at = self._now
        convo = Conversation(turn=max(self.convo.turn + 1, self._now), seen=self._now)
        self._finish(Step(convo, convo, say=(Say("error.internal"),)))

    # --- walking ----------------------------------------------------------------------------------------------------

    async def _tidy(self) -> Say | None:
        """End what time, a logout or a deploy has ended. Returns what to say of it."""
        registry, visitor = self._house.registry, self.visitor
        if visitor.logged_in and self._expired():
            await chats.end_sessions(self._tx, [visitor.id], unlink=visitor.shared)
            visitor.log_out(unlink=visitor.shared)
            self.convo = replace(self.convo, frames=())
            return Say("session_over")
        kept = tuple(
            frame
            for frame in self.convo.frames
            if frame.flow in registry.flows and (visitor.logged_in or not registry.flows[frame.flow].private)
        )
        if kept == self.convo.frames:
            return None
        self.convo = replace(self.convo, frames=kept)
        return Say("resume_lost")

    def _expired(self) -> bool:
        s, v = self._house.settings, self.visitor
        if v.channel == "web":
            idle, total = s.web_idle_minutes * MINUTE, s.web_total_hours * HOUR
        else:
            idle, total = s.chat_idle_hours * HOUR, s.chat_total_days * DAY
        if v.shared:
            idle = min(idle, s.shared_idle_minutes * MINUTE)
        # a clock that was set back must not lengthen a session, so age counts in both directions
        return abs(self._now - v.seen_at) > idle or abs(self._now - v.session_at) > total

    def _scripts(self, frame: Frame) -> Script[Any]:
        registry = self._house.registry
        return registry.flows[frame.flow].script(self._facts[registry.topic_of(frame.flow)], frame.args)

    async def _load_facts(self, topics: set[int]) -> None:
        for topic in topics:
            found = await self._house.registry.topics[topic].facts(self._tx, [self.visitor], self._now)
            self._facts[topic] = found[self.visitor.id]

    async def _go(self, event: Happening) -> Step:
        registry = self._house.registry
        wanted = {registry.topic_of(frame.flow) for frame in self.convo.frames}
        if isinstance(event, Start):
            wanted.add(registry.topic_of(event.flow))
        await self._load_facts(wanted - self._facts.keys())
        step = begin(self._scripts, self.convo, event, self._now, self._house.settings.pause_hours * HOUR)
        for _ in range(ROUNDS):
            if step.todo is None:
                return step
            step = await self._perform(step)
        raise RuntimeError(f"more than {ROUNDS} effects in one turn")

    async def _perform(self, step: Step) -> Step:
        todo, top = step.todo, step.convo.top
        assert todo is not None
        assert top is not None
        context = Context(
            tx=self._tx,
            now=self._now,
            visitor=self.visitor,
            vault=self._house.vault,
            settings=self._house.settings,
            flow=top.flow,
            key=todo.key,
            attempt=new_id(),
            again=any(todo.key in frame.results for frame in step.before.frames if frame.flow == top.flow),
        )
        was_in = self.visitor.logged_in
        go_on: Callable[[Step], Step]
        try:
            value = await self._house.registry.effects[type(todo.effect)](context, todo.effect)
            go_on = partial(supply, self._scripts, value=value)
        except Invalid as wrong:
            go_on = partial(refuse, self._scripts, wrong=wrong)
        except Later:
            go_on = partial(wait, attempt=context.attempt)
        if was_in and not self.visitor.logged_in:  # what lies below belongs to the session that has just ended
            last = replace(step.convo, frames=step.convo.frames[-1:])
            step = replace(step, convo=last, before=replace(step.before, frames=()))
        self.entries += context.entries
        self.gone |= context.gone
        await self._load_facts(set(self._facts))  # the effect may have changed them
        return go_on(step)

    # --- the outcome ------------------------------------------------------------------------------------------------

    def _finish(self, step: Step) -> None:
        visitor, house = self.visitor, self._house
        if step.silent:
            self.convo = step.convo
            return
        menu = house.registry.menu(visitor)
        message, screen = render(step, visitor.id, visitor.language, house.buttons, house.texts, menu)
        if self._person_before and self._person_before != (visitor.person_id if visitor.logged_in else None):
            message = replace(message, fresh=True)
        self.convo = shown(step, screen)
        self.entries.append(reply(visitor, message, self._now))

    def state(self) -> str:
        return self.visitor.key.seal(dump(self.convo), "conversations", self.visitor.id, "state")


def reply(visitor: Visitor, message: Message, now: int) -> Entry:
    """A message to the chat, as an outbox row: rendered once, the same body however often it is sent."""
    return Entry.make(
        visitor.channel,
        "reply",
        {"to": visitor.external_id, "message": message_json(message)},
        visitor.key,
        now=now,
        account_id=visitor.id,
    )


def message_json(message: Message) -> dict[str, Any]:
    return {
        "lines": list(message.lines),
        "buttons": [{"label": b.label, "data": b.data, "style": b.style} for b in message.buttons],
        "input": message.input,
        "language": message.language,
        "fresh": message.fresh,
    }
