"""Kills a real server again and again while many people chat with it, and knows in the end whether anything was lost.

`Ward` holds what outlives the server: LINE, a mail server, the database file, a clock, and the people's phones. It
behaves as LINE does: an event that is not answered 200 comes again, some events come twice, some out of order.
"""

import asyncio
import base64
import contextlib
import dataclasses
import json
import os
import random
import re
import signal
import sqlite3
import statistics
import struct
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
from aiosmtpd.smtp import SMTP
from psycopg.rows import dict_row

from bot.channels.line.decode import TOKEN_SECONDS
from bot.channels.line.fake import FakeLine, Faults, Json
from bot.channels.line.fake_webhooks import Webhooks, redelivered, user_id
from bot.settings import Settings
from storage.vault import Vault
from tests.house import KEY, LINE_SECRET, LINE_TOKEN, PostOffice, _buttons, _texts
from tests.kill.server import POINTS, Plan
from tests.served import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
MARK = re.compile(r"^#(\S+)$", re.MULTILINE)
QUIET_SECONDS = 60.0  # invariant 8
DUPLICATES, REORDERED = 0.3, 0.2
ANY_MOMENT = "at any moment"


def seed_of(default: int) -> int:
    """SEED=… plays another one."""
    seed = int(os.environ.get("SEED", default))
    print(f"seed {seed} (again with SEED={seed})")
    return seed


# --- what a run brings to light -------------------------------------------------------------------------------------


@dataclass
class Record:
    ready: list[float] = field(default_factory=list)  # seconds from the start of a process until it is ready
    deaths: Counter[str] = field(default_factory=Counter)  # how it died → how often
    answers: Counter[str] = field(default_factory=Counter)  # to webhooks
    sent: int = 0
    emptied: float = 0.0  # seconds after the last event until the outbox was empty
    duplicates: int = 0
    ambiguous: int = 0  # replies that were repeated, and refused because LINE had them

    @property
    def named(self) -> int:
        """Deaths at a named point."""
        return sum(self.deaths.values()) - self.deaths[ANY_MOMENT]

    def __str__(self) -> str:
        ready = f"ready after {statistics.median(self.ready):.2f} s (median), {max(self.ready):.2f} s (most)"
        deaths = ", ".join(f"{how} {n}" for how, n in sorted(self.deaths.items()))
        return (
            f"{sum(self.deaths.values())} deaths ({deaths}); {self.sent} deliveries of events, answered "
            f"{dict(self.answers)}; {ready}; outbox empty after {self.emptied:.1f} s; {self.ambiguous} ambiguous "
            f"replies, {self.duplicates} duplicates seen"
        )


@dataclass(frozen=True)
class Seen:
    """One call to LINE that this phone has shown."""

    mark: str  # the event that it answers, "" where it answers none
    lines: tuple[str, ...]
    buttons: dict[str, str]  # label → data

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Phone:
    """One person at LINE, and everything that they have done and seen."""

    def __init__(self, ward: "Ward", number: int) -> None:
        self.ward, self.user = ward, user_id(number)
        self.seen: list[Seen] = []
        self.news = asyncio.Event()

    @property
    def screen(self) -> Seen | None:
        return self.seen[-1] if self.seen else None

    def taps(self, label: str) -> Json:
        """On the newest screen that has this button."""
        return self.press(next(seen.buttons[label] for seen in reversed(self.seen) if label in seen.buttons))

    def says(self, text: str) -> Json:
        return self.ward.noted(self, self.ward.webhooks.text(self.user, text))

    def press(self, data: str) -> Json:
        return self.ward.noted(self, self.ward.webhooks.postback(self.user, data))

    def opens(self) -> Json:
        return self.ward.noted(self, self.ward.webhooks.follow(self.user))

    async def sees(self, event: Json, patience: float) -> bool:
        """Has the answer to this event come within so many seconds?"""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not any(seen.mark == event["webhookEventId"] for seen in self.seen):
                    self.news.clear()
                    await self.news.wait()
                return True
        return False


def launched(folder: Path, plan: Plan) -> subprocess.Popen[bytes]:
    """A server on its way to being ready; plan and log lie in its folder."""
    file = folder / "plan.json"
    file.write_text(json.dumps(dataclasses.asdict(plan)))
    Path(plan.last_words).unlink(missing_ok=True)
    command = (sys.executable, "-m", "tests.kill.server", str(file))
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, env=env, cwd=folder, stdout=log, stderr=log)


class Ward:
    def __init__(
        self,
        folder: Path,
        line: FakeLine,
        post: PostOffice,
        chance: random.Random,
        *,
        toy: bool,
        smtp_port: int,
        database_url: str = "",
        constants: dict[str, float],
        line_seconds: float,
        token_seconds: float,
        unbounded: dict[str, Any],
        **settings: Any,
    ) -> None:
        self.folder, self.line, self.post, self.chance, self.toy = folder, line, post, chance, toy
        self.webhooks = Webhooks(line, LINE_SECRET)
        self.path = folder / "kp7.db"
        self.database_url = database_url or f"sqlite:///{self.path}"
        self.clock = folder / "clock"
        self._last_words = folder / "last_words"
        self.record = Record()
        self.phones: dict[str, Phone] = {}
        self.events: dict[str, tuple[str, Json]] = {}  # id → (user, event), in the order they were made
        self.acked: set[str] = set()
        self.process: subprocess.Popen[bytes] | None = None
        self.pids: list[int] = []  # of all that there were
        self.up = asyncio.Event()
        self.duplicated = DUPLICATES
        self.watch: Callable[[], None] = lambda: None  # looks at the database after each death
        self._late: set[asyncio.Task[None]] = set()
        self._read = 0
        self._port = free_port()
        self._http: aiohttp.ClientSession
        self._plan = Plan(
            settings={
                "database_url": self.database_url,
                "files_url": (folder / "files").as_uri(),
                "master_key": KEY,
                "port": self._port,
                "line_channel_secret": LINE_SECRET,
                "line_channel_access_token": LINE_TOKEN,
                "line_api_url": line.url,
                "smtp_host": "127.0.0.1",
                "smtp_port": smtp_port,
                "smtp_tls": "none",
                "smtp_from": "kp7@example.go.th",
                "card_verifier": "roster",
                **settings,
            },
            toy=toy,
            clock=str(self.clock),
            last_words=str(self._last_words),
            line_seconds=line_seconds,
            token_seconds=token_seconds,
            constants=constants,
            unbounded=unbounded,
        )
        self.set_clock(0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def set_clock(self, ahead: int) -> None:
        """Milliseconds. The server's clock jumps there, in the middle of whatever it does."""
        if not self.clock.exists():
            self.clock.write_bytes(bytes(8))
        with self.clock.open("r+b") as file:
            file.write(struct.pack("<q", ahead))

    # --- the server -------------------------------------------------------------------------------------------------

    async def start(self, point: str = "", nth: int = 1) -> bool:
        """Until it is ready; False: it died before."""
        begun = time.monotonic()
        self.process = await asyncio.to_thread(
            launched, self.folder, dataclasses.replace(self._plan, point=point, nth=nth)
        )
        self.pids.append(self.process.pid)
        while self.process.poll() is None:
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with self._http.get(f"{self.url}/readyz") as answer:
                    if answer.status == 200:
                        self.record.ready.append(time.monotonic() - begun)
                        self.up.set()
                        return True
            assert time.monotonic() - begun < 90, f"never ready: {self.log}"
            await asyncio.sleep(0.01)
        self._bury()
        return False

    @property
    def alive(self) -> set[int]:
        """Processes."""
        return {self.process.pid} if self.process else set()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-4_000:]

    async def dies(self, after: float) -> None:
        """By itself if it comes to its point in time, else by our hand."""
        assert self.process
        until = time.monotonic() + after
        while self.process.poll() is None and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        self.process.kill()
        self._bury()

    def _bury(self) -> None:
        assert self.process
        code = self.process.wait()
        self.up.clear()
        words = self._last_words
        assert code == -signal.SIGKILL, f"it died by itself ({code}): {self.log}"
        self.record.deaths[words.read_text() if words.exists() else ANY_MOMENT] += 1
        self.process = None

    async def stop(self) -> None:
        assert self.process
        self.process.terminate()
        code = await asyncio.to_thread(self.process.wait, 30)
        self.process = None
        self.up.clear()
        assert code == 0, f"exit code {code}: {self.log}"

    def end(self) -> None:
        """Whatever is still running."""
        if self.process:
            self.process.kill()
            self.process.wait()

    async def kills(self, times: int, *, alive: float = 0.5, points: Sequence[str] = POINTS) -> None:
        """So many deaths, half of them at a named point, the others at any moment; and alive in the end."""
        before, left = self.record.named, list[str]()
        for done in range(times):
            self.watch()
            if 2 * (self.record.named - before) <= done:  # a point that is not reached in time is made up for
                left = left or self.chance.sample(points, len(points))
                if await self.start(left.pop(), self.chance.choice((1, 1, 2, 3))):
                    await self.dies(max(8 * alive, 10))  # as soon as it gets there, on however slow a machine
            elif await self.start():
                await self.dies(self.chance.uniform(0.02, 2 * alive))
        await self.start()

    # --- LINE's side of it ------------------------------------------------------------------------------------------

    def phone(self) -> Phone:
        phone = Phone(self, len(self.phones) + 1)
        self.phones[phone.user] = phone
        return phone

    def noted(self, phone: Phone, event: Json) -> Json:
        self.events[event["webhookEventId"]] = (phone.user, event)
        return event

    async def deliver(self, *events: Json) -> None:
        """Until it is answered 200; some of them again after that, or at the same time."""
        if self.chance.random() < self.duplicated:
            again = asyncio.create_task(self._again(self.chance.choice(events), self.chance.choice((0.0, 0.05, 1.0))))
            self._late.add(again)
            again.add_done_callback(self._late.discard)
        repeat, wait = False, 0.05
        while not await self._post([redelivered(e) if repeat else e for e in events]):
            repeat = True
            await asyncio.sleep(wait * self.chance.uniform(0.7, 1.3))
            wait = min(wait * 1.5, 1.0)
        self.acked |= {event["webhookEventId"] for event in events}

    async def _again(self, event: Json, after: float) -> None:
        await asyncio.sleep(after)
        await self._post([redelivered(event)])

    async def _post(self, events: Sequence[Json]) -> bool:
        self.record.sent += 1
        body, headers = self.webhooks.signed(*events)
        try:
            async with self._http.post(f"{self.url}/webhooks/line", data=body, headers=headers) as answer:
                await answer.read()
                self.record.answers[str(answer.status)] += 1
                return answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            self.record.answers["none"] += 1
            return False

    async def shows(self) -> None:
        """Runs beside: what LINE has accepted appears on the phones."""
        while True:
            await self.line.until(lambda: len(self.line.accepted) > self._read, 3600)
            for call in self.line.accepted[self._read :]:
                lines = tuple(_texts(call.messages))
                marks = MARK.findall("\n".join(lines))
                buttons = {button["label"]: button["data"] for button in _buttons(call.messages)}
                for user in call.to:
                    if user in self.phones:
                        self.phones[user].seen.append(Seen(marks[-1] if marks else "", lines, buttons))
                        self.phones[user].news.set()
            self._read = len(self.line.accepted)

    # --- the end ----------------------------------------------------------------------------------------------------

    def rows(self, sql: str, *given: object) -> Sequence[Mapping[str, Any]]:
        """Seen from outside, whatever the server thinks of it. `?` for each value."""
        if self.database_url.startswith("sqlite"):
            with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5)) as connection:
                connection.row_factory = sqlite3.Row
                return [dict(row) for row in connection.execute(sql, given)]
        with psycopg.connect(self.database_url, row_factory=dict_row) as outside:
            return outside.execute(sql.replace("%", "%%").replace("?", "%s").encode(), given).fetchall()

    async def settles(self) -> None:
        """The faults are over: everything that was promised comes to pass, soon; then the server stops as it should."""
        while self._late:
            await asyncio.gather(*self._late)
        begun = time.monotonic()
        while left := self.rows("SELECT kind, purpose, attempts, reason, due_at FROM outbox WHERE dead_at IS NULL"):
            waited = time.monotonic() - begun
            assert waited < QUIET_SECONDS, f"still in the outbox: {[dict(row) for row in left]}"
            await asyncio.sleep(0.1)
        self.record.emptied = time.monotonic() - begun
        await asyncio.sleep(0.2)  # what was accepted last is shown
        await self.stop()

    def check(self) -> None:
        """The invariants that hold whatever people did."""
        if self.database_url.startswith("sqlite"):
            assert self.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
        taken = [row["event_id"] for row in self.rows("SELECT event_id FROM inbox")]
        assert self.acked <= set(taken), f"lost: {self.acked - set(taken)}"
        from_outside = [id for id in taken if not id.startswith(("outbox:", "papers:"))]
        assert sorted(from_outside) == sorted(self.events), "what nobody sent was taken, or what was sent was not"
        assert {row["outcome"] for row in self.rows("SELECT DISTINCT outcome FROM inbox")} <= {"done"}, self.log
        applied = self.rows(
            "SELECT p.event_id, p.answers, p.lasting, a.external_id AS user FROM applied p "
            "JOIN accounts a ON a.id = p.account_id ORDER BY seq"
        )
        times = Counter(row["event_id"] for row in applied)
        assert set(times.values()) == {1}, f"applied twice: {[id for id, n in times.items() if n > 1]}"
        assert times.keys() == set(taken), "the inbox says otherwise"
        self._check_order(applied)
        self._check_screens(applied)

    def _check_order(self, applied: Sequence[Mapping[str, Any]]) -> None:
        """One process writes one row after the other. (PostgreSQL does not tell in which order rows came.)"""
        if not self.database_url.startswith("sqlite"):
            return
        taken = [row["event_id"] for row in self.rows("SELECT event_id FROM inbox ORDER BY rowid")]
        assert [row["event_id"] for row in applied] == taken, "not in the order of the inbox"

    def _check_screens(self, applied: Sequence[Mapping[str, Any]]) -> None:
        assert self.line.violations == []
        answering: dict[str, list[str]] = defaultdict(list)
        lasting: dict[str, set[str]] = defaultdict(set)  # screens that no newer one replaces
        for row in applied:
            if row["lasting"]:
                lasting[row["user"]].add(row["event_id"])
            if row["answers"]:
                answering[row["user"]].append(row["event_id"])
        for phone in self.phones.values():
            marks = [seen.mark for seen in phone.seen if seen.mark]
            times = Counter(marks)
            twice = sum(n - 1 for n in times.values())
            self.record.duplicates += twice
            place = {id: n for n, id in enumerate(answering[phone.user])}
            assert lasting[phone.user] <= set(marks), f"{phone.user} never heard what is said only once"
            order = [place[mark] for mark in dict.fromkeys(marks)]
            assert order == sorted(order), f"{phone.user} saw an older screen after a newer one"
            if answering[phone.user]:
                assert marks, f"{phone.user} was never answered"
                assert marks[-1] == answering[phone.user][-1], f"{phone.user} does not see what was asked last"
        keys = Counter(call.retry_key for call in self.line.accepted if call.retry_key)
        assert set(keys.values()) <= {1}
        for refused in self.line.refused:
            assert (refused.endpoint, refused.problem) == ("reply", "Invalid reply token"), refused
        self.record.ambiguous = len(self.line.refused)

    def mails(self) -> dict[str, EmailMessage]:
        """Message-ID → mail. A mail may come twice (nobody knows what an SMTP server took), but then it is the same."""
        found: dict[str, EmailMessage] = {}
        for mail in self.post.mails:
            first = found.setdefault(mail["message-id"], mail)
            assert (first["to"], first["date"]) == (mail["to"], mail["date"])
            assert self.post.text(first) == self.post.text(mail), "a repeated mail was another one"
        return found

    @property
    def settings(self) -> Settings:
        return Settings(_env_file=None, **self._plan.settings)

    def vault(self) -> Vault:
        """As the program opens it, without opening it."""
        bare = Vault(base64.b64decode(KEY))
        secrets = self.rows("SELECT id, wrapped FROM keys WHERE substr(id, 1, 7) = 'secret:'")
        return Vault(
            base64.b64decode(KEY),
            secrets={row["id"].removeprefix("secret:"): bare.bare(row["id"], row["wrapped"])[0] for row in secrets},
        )


@asynccontextmanager
async def a_ward(
    folder: Path,
    seed: int,
    *,
    toy: bool,
    faults: Faults | None = None,
    post: PostOffice | None = None,
    constants: dict[str, float] | None = None,
    line_seconds: float = 2.0,
    token_seconds: float = TOKEN_SECONDS,
    kind: type[Ward] = Ward,
    unbounded: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Ward]:
    loop = asyncio.get_running_loop()
    post = post or PostOffice()
    mail = await loop.create_server(lambda: SMTP(post, loop=loop), "127.0.0.1", 0)
    async with FakeLine(token=LINE_TOKEN, faults=faults).running() as line:
        ward = kind(
            folder, line, post, random.Random(seed), toy=toy, smtp_port=mail.sockets[0].getsockname()[1],
            constants=constants or {}, line_seconds=line_seconds, token_seconds=token_seconds,
            unbounded=unbounded or {}, **settings,
        )  # fmt: skip
        timeout = aiohttp.ClientTimeout(total=20)
        ward._http = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0))
        showing = asyncio.create_task(ward.shows())
        try:
            yield ward
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
            ward.end()
            await ward._http.close()
            mail.close()


async def crowd(ward: Ward, at_once: int, life: Callable[[Phone], Awaitable[None]], until: asyncio.Event) -> int:
    """So many people at a time: each lives through `life`, and somebody else follows, until it is time to end."""
    lives = 0

    async def seat() -> None:
        nonlocal lives
        while not until.is_set():
            await life(ward.phone())
            lives += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(seat())
    return lives
