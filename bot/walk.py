"""One event of one account: understand it, walk the conversation, perform what is open, say what follows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from bot.events import Event, File, Invalid, Invited, Left, Message, Other, Press, Refresh, Result, Say, Text, Unsent
from bot.flow import (
    Ask,
    Cancel,
    Conversation,
    Frame,
    Happening,
    Resume,
    Script,
    Start,
    Step,
    begin,
    refuse,
    shown,
    supply,
    wait,
)
from bot.links import Links
from bot.outbox import NEWS, SCREEN, Entry
from bot.policy import Policy
from bot.screen import Buttons, Command, Unclear, Unknown, dump, help_for, render, understand
from bot.session import Limits
from bot.settings import Settings
from bot.text import Texts, fold
from bot.times import HOUR, MINUTE
from bot.topic import Context, Facts, Incoming, Later, Registry, Visitor
from storage import chats, files
from storage.database import Row, Tx
from storage.vault import Vault

log = structlog.get_logger()

ROUNDS = 8
AHEAD = 5 * MINUTE  # by so much a platform's clock may differ
SKEW = 2_000  # and by so much usually; nobody answers a question as fast


@dataclass(frozen=True)
class House:
    """What every walk needs and none changes."""

    registry: Registry
    texts: Texts
    vault: Vault
    policy: Policy
    buttons: Buttons
    links: Links
    starts: Mapping[str, str]

    @classmethod
    def of(cls, registry: Registry, texts: Texts, vault: Vault, policy: Policy) -> "House":
        starts = {f"words.start.{name}": name for name in registry.offered}
        buttons, links = Buttons(vault.secret("buttons")), Links(vault.secret("pictures"))
        return cls(registry, texts, vault, policy, buttons, links, starts)

    @property
    def settings(self) -> Settings:
        return self.policy.settings


class Walk:
    """`facts`: what was loaded for this account, by topic; what a new flow needs is loaded when it starts."""

    def __init__(
        self,
        house: House,
        tx: Tx,
        incoming: Incoming,
        visitor: Visitor,
        convo: Conversation,
        facts: dict[int, Facts],
        now: int,
    ) -> None:
        self._house, self._tx, self._incoming, self._facts, self._now = house, tx, incoming, facts, now
        self._busy = self._held = 0
        self._gathered = False
        self.visitor = visitor
        self.convo = convo
        self.entries: list[Entry] = []
        self.gone: set[str] = set()
        self.saves: list[tuple[str, Row]] = []
        self._person_before = visitor.person_id if visitor.logged_in else None
        self._arrived_before = visitor.arrived

    async def run(self) -> None:
        """Take the event."""
        event, visitor = self._incoming.event, self.visitor
        late = 0 < self._incoming.at < visitor.event_at
        # a time that lies ahead of ours would make all that follows seem late
        visitor.event_at = max(visitor.event_at, min(self._incoming.at, self._now + AHEAD))
        match event:
            case Left() if late:
                return  # they have come back since
            case Unsent(reference):
                # What was said is not kept. What was handed in is its topics' business; if it comes only now, sent
                # again, it comes late: it is older than this.
                for unsent in self._house.registry.unsent:
                    await unsent(self._tx, visitor, reference, self._now)
                return
            case Left():
                visitor.reachable = False
                await chats.forget_unsent(self._tx, [visitor.id])
                return
            case Invited():
                self._leave_group()
                return
            case Result() | Refresh():
                pass  # no sign of life of the person
            case _:
                visitor.reachable = visitor.reachable or not late
        await self._converse(event, late=late)

    async def _converse(self, event: Event, *, late: bool) -> None:
        line = await self._tidy()
        house, visitor = self._house, self.visitor
        newcomer = visitor.seen_at == 0
        acts, person = house.registry.acts, visitor.person_id
        match understand(event, visitor.id, self.convo, house.buttons, house.texts, house.starts, acts, person):
            case _ if self._is_about_somebody_else:
                if line is None:
                    return
                step = await self._go(Resume())
            case _ if late and (isinstance(event, Text) or (isinstance(event, File) and self._before_it_was_asked())):
                step = await self._go(Resume(Say("error.came_late")))  # it answered what is not asked any more
            case _ if isinstance(event, Other):
                step = await self._go(Resume(Say("error.not_text")))
            case Command("help"):
                step = await self._go(Resume())
                aid = [help_for(step, house.texts)]
                if house.settings.hr_contact:
                    aid.append(Say("help.contact", {"contact": house.settings.hr_contact}))
                step = step._replace(say=(*step.say, *aid))
            case Command(name):
                visitor.language = "en" if name == "lang.en" else "th"
                step = await self._go(Resume(Say("language_changed")))
            case Unclear():
                assert isinstance(event, Text)
                greeting = newcomer or fold(event.body) in house.texts.words("words.hello")
                step = await self._go(Resume(None if greeting or line else Say("home.unclear")))
            case Unknown():
                step = await self._go(Resume(Say("error.login_first")))
            case Start() as start if not self._may(start):
                step = await self._go(Resume(Say("error.not_offered" if visitor.logged_in else "error.login_first")))
            case meaning if line and isinstance(event, Text | Press) and not isinstance(meaning, Start):
                step = await self._go(Resume())  # it was an answer to a session that is over
            case meaning:
                step = await self._go(meaning)
        if not isinstance(event, Result | Refresh):
            visitor.seen_at = self._now
        if visitor.arrived and not self._arrived_before:
            greetings = [await greets(self._tx, visitor, self._now) for greets in house.registry.greets]
            step = step._replace(say=(*step.say, *filter(None, greetings)))
        if isinstance(event, File) and not self._gathered:
            await files.let_go(self._tx, [event.reference], self._now)  # where it was kept before anybody was asked
        self._finish(step._replace(say=(line, *step.say), silent=False) if line else step)

    def _may(self, start: Start) -> bool:
        """Of the menu, what it holds. Of a card, whatever was offered to this person: only that has something in hand,
        and its flow looks for itself whether that may still be done."""
        registry = self._house.registry
        if start.args:
            return self.visitor.logged_in or not registry.flows[start.flow].private
        return start.flow in registry.menu(self.visitor)

    def _before_it_was_asked(self) -> bool:
        """Pictures of an album come in any order: late is what was sent for another question."""
        top = self.convo.top
        return top is None or self._incoming.at < top.since - SKEW

    def apologise(self) -> None:
        """What this account was doing cannot go on; it starts afresh."""
        self.visitor.seen_at = self._now
        convo = Conversation(turn=max(self.convo.turn + 1, self._now), seen=self._now)
        self._finish(Step(convo, convo, say=(Say("error.internal"),)))

    # --- walking ----------------------------------------------------------------------------------------------------

    async def _tidy(self) -> Say | None:
        """End what time, a logout or a deploy has ended. Returns what to say of it."""
        registry, visitor = self._house.registry, self.visitor
        if visitor.forged:
            log.error("session_forged", account=visitor.id)
        if visitor.forged or (
            visitor.logged_in and self._limits().over(visitor.seen_at, visitor.session_at, self._now)
        ):
            unlink = visitor.shared or visitor.forged
            await chats.end_sessions(self._tx, [visitor.id], unlink=unlink)
            visitor.log_out(unlink=unlink)
            visitor.forged = False
            self.convo = self.convo._replace(frames=())
            return Say("session_over")
        kept = tuple(
            frame
            for frame in self.convo.frames
            if frame.flow in registry.flows and (visitor.logged_in or not registry.flows[frame.flow].private)
        )
        if kept == self.convo.frames:
            return None
        self.convo = self.convo._replace(frames=kept)
        return Say("resume_lost")

    @property
    def _is_about_somebody_else(self) -> bool:
        return self._incoming.person not in ("", self.visitor.person_id if self.visitor.logged_in else None)

    def _limits(self) -> Limits:
        return Limits.of(self._house.settings, self.visitor.channel, shared=self.visitor.shared)

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
            event = replace(event, over=registry.parts(event.flow))
        if isinstance(event, Cancel) and self.convo.top:
            event = Cancel(Say(registry.flows[self.convo.top.flow].cancelled))
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
            again=any(todo.key in frame.results for frame in step.before.frames if frame.flow == top.flow),
            token=self._incoming.token,
            token_until=self._incoming.token_until,
        )
        was_in, writes = self.visitor.logged_in, self._tx.writes
        go_on: Callable[[Step], Step]
        try:
            value = await self._house.registry.effects[type(todo.effect)](context, todo.effect)
            self._gathered = self._gathered or step.gathers
            go_on = partial(supply, self._scripts, value=value)
        except Invalid as wrong:
            go_on = partial(refuse, self._scripts, wrong=wrong)
        except Later as later:
            self._busy = later.seconds
            go_on = partial(wait, attempt=context.attempt)
        if was_in and not self.visitor.logged_in:  # what lies below belongs to the session that has just ended
            last = step.convo._replace(frames=step.convo.frames[-1:])
            step = step._replace(convo=last, before=step.before._replace(frames=()))
        self._held = max(self._held, context.held)
        self.entries += context.entries
        self.gone |= context.gone
        self.saves += context.saves
        if self._tx.writes != writes:  # the effect may have changed them
            await self._load_facts(set(self._facts))
        return go_on(step)

    # --- the outcome ------------------------------------------------------------------------------------------------

    def _finish(self, step: Step) -> None:
        visitor, house = self.visitor, self._house
        if step.silent or (step.waiting and self._held):
            self.convo = step.convo
            if self._held:
                self._post("loading", {"to": visitor.external_id, "seconds": self._held})
            return
        menu = house.registry.menu(visitor)
        message, screen = render(step, visitor.id, visitor.language, house.buttons, house.texts, menu)
        if self._person_before and self._person_before != (visitor.person_id if visitor.logged_in else None):
            message = replace(message, fresh=True)
        if step.waiting and self._busy:
            message = replace(message, busy=self._busy)
        if isinstance(step.open, Ask) and not step.waiting:
            message = replace(message, pictures=self._pictures(step.open))
        self.convo = shown(step, screen)
        self._reply(message, SCREEN if self._repeatable(step) and not message.fresh else NEWS)

    def _pictures(self, ask: Ask[Any]) -> tuple[str, ...]:
        own = (self._house.links.picture(ask.picture, self.visitor.key.id, self._now),) if ask.picture else ()
        return (*own, *ask.pictures)

    def _repeatable(self, step: Step) -> bool:
        """Does the next screen say all that is still worth saying? Not when something was done, or has come back."""
        refusals = all(say.text.startswith("error.") for say in step.say)
        return refusals and not isinstance(self._incoming.event, Result)

    def _leave_group(self) -> None:
        """Nothing that concerns a person is ever said where others read along."""
        if self._incoming.token:  # a farewell is worth a reply, not a push to every member
            words = self._house.texts(self.visitor.language, "group.farewell")
            self._reply(Message((words,), language=self.visitor.language), NEWS)
        self._post("leave", {"to": self.visitor.external_id})

    def _reply(self, message: Message, purpose: str) -> None:
        """To the chat: rendered once, the same body however often it is sent."""
        content: dict[str, Any] = {"to": self.visitor.external_id, "message": message_json(message)}
        if self._incoming.token:
            content |= {"token": self._incoming.token, "token_until": self._incoming.token_until}
        self._post(purpose, content)

    def _post(self, purpose: str, content: Mapping[str, Any]) -> None:
        visitor = self.visitor
        self.entries.append(
            Entry.make(visitor.channel, purpose, content, visitor.key, now=self._now, account_id=visitor.id)
        )

    def state(self) -> str:
        return self.visitor.key.seal(dump(self.convo), "conversations", self.visitor.id, "state")


def message_json(message: Message) -> dict[str, Any]:
    return {
        "lines": list(message.lines),
        "buttons": [{"label": b.label, "data": b.data, "style": b.style, "link": b.link} for b in message.buttons],
        "input": message.input,
        "language": message.language,
        "fresh": message.fresh,
        "busy": message.busy,
        "pictures": list(message.pictures),
    }
