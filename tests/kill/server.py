"""The real `kp7 serve`, in a process that kills itself where it is told to: `python -m tests.kill.server PLAN.json`.

Production code knows nothing of this: the functions between which a crash could hurt are wrapped here, from outside. A
named point is passed in the course of the work; at the n-th passing the process is gone, by SIGKILL: no `finally`, no
flush, no goodbye. Two more things are added, both inside the turn's own transaction, so that they are as true as what
they tell of: a row in `applied` for each walk of an event, and the event's name in the last line of its screen.
"""

import contextvars
import dataclasses
import functools
import json
import mmap
import os
import random
import signal
import struct
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiosqlite
import psycopg

import bot.app
import bot.channels.line.api
import bot.channels.line.decode
import bot.outbox
import bot.papers.process
import storage.folder
from bot import serve
from bot.channels.line.api import LineApi
from bot.channels.line.channel import Line
from bot.channels.line.decode import TOKEN_SECONDS
from bot.events import Message, Say
from bot.mail import Mailer
from bot.notices import Notices
from bot.outbox import Outbox
from bot.settings import Settings
from bot.turn import Turn
from bot.walk import Walk
from handlers.documents import drafts, effects, record, store
from handlers.documents.desk import Desk
from handlers.review import deciding
from handlers.review.desk.api import Api
from storage.database import Database
from storage.files import Files
from tests.kill import topic

POINTS = (
    "turn: before commit",
    "turn: during commit",
    "turn: after commit",
    "turn: before dispatch",
    "webhook: before answer",
    "line: before send",
    "line: after send",
    "mail: before send",
    "mail: after send",
    "outbox: after send",
    "flush: before commit",
    "flush: during commit",
    "flush: after commit",
    "claim: before commit",
    "claim: after commit",
    "start: after migration",
)
PAPERS = (  # in the order in which a paper comes by
    "announce: during commit",
    "announce: after commit",
    "fetch: during",
    "fetch: after",
    "page: child at work",
    "take: child at work",
    "files: half written",
    "put: during commit",
    "put: after",
    "row: before commit",
    "row: during commit",
    "row: after commit",
    "tell: before",
    "tell: after",
    "bind: child at work",
    "stamp: child at work",
    "certify: during commit",
    "certify: after commit",
    "submit: before commit",
    "submit: during commit",
    "submit: after commit",
)
REVIEW = (
    "verdict: before commit",
    "verdict: during commit",
    "verdict: after commit",
    "desk: before answer",
    "notice: before commit",
    "notice: during commit",
    "notice: after commit",
)
AT_WORK_SECONDS = 0.3  # what a child takes


@dataclass(frozen=True)
class Plan:
    """`point`: where to die, at which passing (`nth`); "" nowhere. `clock`: a file of 8 bytes, milliseconds ahead.

    `part`: serve, web or worker. `unbounded`: settings no office may have.
    """

    settings: dict[str, Any]
    toy: bool
    clock: str
    last_words: str
    part: str = "serve"
    point: str = ""
    nth: int = 1
    line_seconds: float = 10.0
    token_seconds: float = TOKEN_SECONDS  # how long a reply token is trusted; 0: everything is pushed
    constants: dict[str, float] = field(default_factory=dict)  # of bot.outbox
    unbounded: dict[str, Any] = field(default_factory=dict)


def put(owner: object, name: str, value: object) -> None:
    """In the place of what is there."""
    assert hasattr(owner, name), f"{owner} has no {name} any more"
    setattr(owner, name, value)


class Fate:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._passed = 0
        self._in: contextvars.ContextVar[str] = contextvars.ContextVar("in", default="other")

    def reach(self, point: str) -> None:
        """Does not return from where it ends; during a commit it returns, and the end is near."""
        if not point or point != self.plan.point:
            return
        self._passed += 1
        if self._passed != self.plan.nth:
            return
        if "during" in point:
            self._dies_within(0.003)  # what a commit takes
        elif "at work" in point:
            self._dies_within(AT_WORK_SECONDS)
        else:
            self._die()

    def _dies_within(self, seconds: float) -> None:
        def soon() -> None:
            time.sleep(random.random() * seconds)
            self._die()

        threading.Thread(target=soon, daemon=True).start()

    def _die(self) -> None:
        Path(self.plan.last_words).write_text(self.plan.point)
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)

    def around(self, owner: type, name: str, *, before: str = "", after: str = "", part: str = "") -> None:
        """`part`: what the commits within are called."""
        original: Callable[..., Awaitable[Any]] = getattr(owner, name)

        @functools.wraps(original)
        async def wrapped(*given: Any, **named: Any) -> Any:
            self.reach(before)
            token = self._in.set(part) if part else None
            try:
                result = await original(*given, **named)
            finally:
                if token:
                    self._in.reset(token)
            self.reach(after)
            return result

        put(owner, name, wrapped)

    def around_commits(self, owner: type, name: str) -> None:
        original: Callable[..., Awaitable[Any]] = getattr(owner, name)

        @functools.wraps(original)
        async def wrapped(*given: Any, **named: Any) -> Any:
            if "COMMIT" not in given:
                return await original(*given, **named)
            part = self._in.get()
            self.reach(f"{part}: before commit")
            self.reach(f"{part}: during commit")
            result = await original(*given, **named)
            self.reach(f"{part}: after commit")
            return result

        put(owner, name, wrapped)

    def names(self, module: object, name: str, part: str) -> None:
        """The commit that follows this function is called so: that of the turn it is part of."""
        original: Callable[..., Awaitable[Any]] = getattr(module, name)

        @functools.wraps(original)
        async def wrapped(*given: Any, **named: Any) -> Any:
            result = await original(*given, **named)
            self._in.set(part)
            return result

        put(module, name, wrapped)


def arrange_papers(fate: Fate) -> None:
    """What is slow about papers, see `handlers/documents/desk.py`."""
    fate.names(drafts, "announce", "announce")
    fate.names(store, "submit", "submit")
    fate.around(Line, "fetch", before="fetch: during", after="fetch: after")
    fate.around(Files, "put", after="put: after", part="put")
    for row in ("_keep", "_refuse", "_make"):
        fate.around(Desk, row, part="row")
    fate.around(Desk, "_certify", part="certify")
    fate.around(Desk, "_tell", before="tell: before", after="tell: after")
    closed, sync, work = bot.papers.process._closed, os.fsync, bot.papers.process.Workshop._child

    async def watched(reader: int) -> None:
        fate.reach(f"{job.get()}: child at work")
        await closed(reader)

    async def worked(workshop: Any, name: str, *given: Any) -> int:
        job.set(name)
        return await work(workshop, name, *given)

    def half_written(handle: int) -> None:
        if str(Path(f"/proc/self/fd/{handle}").resolve()).endswith(storage.folder.HALF):
            fate.reach("files: half written")
        sync(handle)

    job: contextvars.ContextVar[str] = contextvars.ContextVar("job")
    put(bot.papers.process, "_closed", watched)
    put(bot.papers.process.Workshop, "_child", worked)
    put(os, "fsync", half_written)


def arrange_review(fate: Fate) -> None:
    """A verdict, in a turn or at the desk; and the message that tells of it, so soon that it is told meanwhile."""
    put(deciding, "TELL_AFTER", 1_000)
    fate.names(deciding, "decide", "verdict")
    fate.around(Api, "verdict", after="desk: before answer")
    fate.around(Notices, "deliver", part="notice")


def arrange(fate: Fate) -> None:
    arrange_papers(fate)
    arrange_review(fate)
    fate.around_commits(aiosqlite.Connection, "_execute")
    fate.around_commits(psycopg.AsyncConnection, "execute")
    fate.around(Turn, "_commit", part="turn")
    fate.around(Outbox, "_flush", part="flush")
    fate.around(Outbox, "claim", part="claim")
    fate.around(Line, "webhook", after="webhook: before answer")
    fate.around(LineApi, "_post", before="line: before send", after="line: after send")
    fate.around(Mailer, "deliver", before="mail: before send", after="mail: after send")
    fate.around(Outbox, "_carry", after="outbox: after send")
    fate.around(Database, "migrate", after="start: after migration")
    dispatch = Outbox.dispatch

    def dispatched(outbox: Outbox, written: bot.outbox.Written) -> None:
        if written.entries:
            fate.reach("turn: before dispatch")
        dispatch(outbox, written)

    put(Outbox, "dispatch", dispatched)


# --- what the driver wants to know ----------------------------------------------------------------------------------


def testify() -> None:
    migrate, run = Database.migrate, Walk.run
    reply: Callable[..., None] = Walk._reply

    async def migrated(database: Database) -> list[str]:
        found = await migrate(database)
        number = "INTEGER PRIMARY KEY AUTOINCREMENT" if database.kind == "sqlite" else "BIGSERIAL PRIMARY KEY"
        async with database.write() as tx:
            await tx.among("SELECT pg_advisory_xact_lock(1) FROM each(:batch)", [{}])
            await tx.run(
                f"CREATE TABLE IF NOT EXISTS applied (seq {number}, channel TEXT, "
                "event_id TEXT, account_id TEXT, turn BIGINT, answers INTEGER, lasting INTEGER, stack TEXT)"
            )
            await tx.run(f"CREATE TABLE IF NOT EXISTS saved (seq {number}, account TEXT NOT NULL, what TEXT NOT NULL)")
        return found

    async def ran(walk: Walk) -> None:
        await run(walk)
        answers = [entry.purpose for entry in walk.entries if "message" in entry.content]
        await walk._tx.run(
            "INSERT INTO applied (channel, event_id, account_id, turn, answers, lasting, stack) "
            "VALUES (:channel, :event, :account, :turn, :answers, :lasting, :stack)",
            {
                "channel": walk._incoming.channel,
                "event": walk._incoming.event_id,
                "account": walk.visitor.id,
                "turn": walk.convo.shown.turn,
                "answers": len(answers),
                "lasting": int(any(purpose != bot.outbox.SCREEN for purpose in answers)),
                "stack": " ".join(f"{frame.flow}:{frame.asked}" for frame in walk.convo.frames),
            },
        )

    def replied(walk: Walk, message: Message, *more: Any) -> None:
        reply(walk, dataclasses.replace(message, lines=(*message.lines, f"#{walk._incoming.event_id}")), *more)

    async def handed_in(context: Any, effect: effects.Submit) -> Say:
        done = await submit(context, effect)
        named = json.dumps([*map(list, effect.papers)])
        await context.tx.run(
            "INSERT INTO saved (account, what) VALUES (:person, :what)",
            {"person": context.visitor.person_id, "what": named},
        )
        return done

    submit = record.submit
    put(record, "submit", handed_in)
    put(Database, "migrate", migrated)
    put(Walk, "run", ran)
    put(Walk, "_reply", replied)


def bend_time(path: str) -> None:
    """Everything that asks for the time of day is told what the driver wrote into the file, from now on."""
    with Path(path).open("rb") as file:
        ahead = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
    real = time.time
    time.time = lambda: real() + struct.unpack("<q", ahead[:8])[0] / 1000


def main() -> int:
    plan = Plan(**json.loads(Path(sys.argv[1]).read_text()))
    fate = Fate(plan)
    bend_time(plan.clock)
    testify()
    arrange(fate)
    for name, value in plan.constants.items():
        put(bot.outbox, name, value)
    put(bot.channels.line.api, "TIMEOUT_SECONDS", plan.line_seconds)
    put(bot.channels.line.decode, "TOKEN_SECONDS", plan.token_seconds)
    if plan.toy:
        put(bot.app, "topics", topic.topics)
        put(bot.app, "Texts", topic.Keys)
    settings = Settings(_env_file=None, **plan.settings).model_copy(update=plan.unbounded)
    return serve.run(settings, web=plan.part != "worker", worker=plan.part != "web")


if __name__ == "__main__":
    sys.exit(main())
