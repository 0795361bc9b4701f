"""People of the sample roster who log in with a mailed code, whatever happens meanwhile; and what must be true of it.

Everybody acts by what stands on their phone, as people do: no person waits for ever, nobody knows of any crash.
"""

import asyncio
import base64
import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from bot.channels.line.fake import Json
from bot.text import Texts
from handlers.organisation.imports import DateRule, import_organisations, import_roster
from handlers.organisation.roster import RosterRow, read_roster
from storage.database import Database
from storage.opening import opened
from storage.people import national_id_index
from tests.house import KEY, SAMPLES
from tests.kill.driver import Phone, Seen, Ward

TODAY = date(2026, 11, 21)
PATIENCE = 20.0  # an answer that has not come after so long is lost: somebody looks again
AT_MOST = 90.0
WRONG = "000000"


@dataclass(frozen=True)
class Person:
    national_id: str
    address: str


def roster() -> list[Person]:
    """Those who can log in by themselves: with an address of their own, and still here."""
    rows = [row for row in read_roster(SAMPLES / "roster.csv", TODAY) if isinstance(row, RosterRow)]
    times = Counter(row.email for row in rows)
    return [Person(r.national_id, r.email) for r in rows if r.email and times[r.email] == 1 and r.status == "active"]


async def load_roster(ward: Ward) -> None:
    database = await Database.open(ward.database_url)
    try:
        vault = await opened(database, base64.b64decode(KEY))
        await import_organisations(database, vault, SAMPLES / "organisations.csv")
        rule = DateRule(date(2018, 10, 1), True)
        await import_roster(
            database, vault, SAMPLES / "roster.csv", today=TODAY, rule=rule, by="cli:malee",
            clock=lambda: int(time.time() * 1000),
        )  # fmt: skip
    finally:
        await database.close()


class Words:
    """Recognises screens by what stands on them, in Thai."""

    def __init__(self) -> None:
        self._texts = Texts()

    def label(self, key: str) -> str:
        return self._texts("th", key)

    def on(self, screen: Seen, key: str) -> bool:
        raw = self._texts.prefixed("th", key)[key]
        pattern = ".*".join(re.escape(part) for part in re.split(r"\{\w+\}", raw))
        return re.search(pattern, screen.text, re.DOTALL) is not None


WORDS = Words()


@dataclass
class Login:
    """One person on their way in. `wrong`: how many wrong codes they have typed."""

    phone: Phone
    person: Person
    chance: random.Random
    wrongs_left: int
    patience: float = AT_MOST
    reads_after: float = 0.0  # seconds until somebody looks into their mailbox
    wrong: int = 0
    tried: list[str] = field(default_factory=list)
    done: bool = False

    async def runs(self) -> None:
        await self.acts(self.phone.opens())
        until = time.monotonic() + self.patience
        while not self.done:
            if time.monotonic() > until:
                screen = self.phone.screen
                raise AssertionError(f"{self.person.address} is stuck at: {screen.text if screen else 'nothing'}")
            await self.step()

    async def acts(self, *events: Json) -> None:
        """All of them at once, as by a nervous finger; then the answer to the last of them is read."""
        await asyncio.gather(*(self.phone.ward.deliver(event) for event in events))
        first = time.monotonic()
        while not any(seen.mark in {e["webhookEventId"] for e in events[-1:]} for seen in self.phone.seen):
            newest = self.phone.screen
            if newest and newest.mark in {e["webhookEventId"] for e in events} and len(events) > 1:
                break  # of several answers the newest is enough
            if not await self.phone.sees(events[-1], 1.0) and time.monotonic() - first > PATIENCE:
                break

    async def step(self) -> None:
        phone, screen, label = self.phone, self.phone.screen, WORDS.label
        if screen is None:
            await self.acts(phone.opens())
        elif WORDS.on(screen, "login.done"):
            self.done = True
        elif label("choice.acknowledge") in screen.buttons:
            await self.acts(phone.taps(label("choice.acknowledge")))
        elif label("choice.civil_servant") in screen.buttons:
            await self.acts(phone.taps(label("choice.civil_servant")))
        elif label("choice.send_code") in screen.buttons:
            await self.acts(phone.taps(label("choice.send_code")))
        elif label("choice.resend") in screen.buttons:
            await self._enters_code(screen)
        elif WORDS.on(screen, "ask.national_id"):
            await self.acts(phone.says(self.person.national_id))
        elif label("menu.login") in screen.buttons:
            await self.acts(phone.taps(label("menu.login")))
        elif label("menu.profile") in screen.buttons:
            self.done = True  # came in by the first of two answers; this is the answer to the second
        else:
            await self.acts(phone.opens())

    async def _enters_code(self, screen: Seen) -> None:
        phone = self.phone
        if self.wrongs_left:
            self.wrongs_left -= 1
            self.wrong += 1
            await self.acts(phone.says(WRONG))
            return
        code = await self._mailed()
        if code is None or code in self.tried:
            await asyncio.sleep(1)
            await self.acts(phone.taps(WORDS.label("choice.resend")))
            return
        self.tried.append(code)
        events = [phone.says(code)]
        if self.chance.random() < 0.3:
            events.append(phone.says(code))  # pressed send twice
        await self.acts(*events)

    async def _mailed(self) -> str | None:
        """The newest code in the mailbox that was not tried yet."""
        await asyncio.sleep(self.reads_after)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            mails = [mail for mail in self.phone.ward.mails().values() if mail["to"] == self.person.address]
            codes = [re.search(r"^\d{6}$", self.phone.ward.post.text(mail), re.MULTILINE) for mail in mails]
            fresh = [found[0] for found in codes if found and found[0] not in self.tried]
            if fresh:
                return fresh[-1]
            await asyncio.sleep(0.05)
        return None


class Logins:
    """A queue of people, and everybody who has come from it."""

    def __init__(
        self,
        ward: Ward,
        queue: Sequence[Person],
        *,
        wrongs: Sequence[int] = (0,),
        patience: float = AT_MOST,
        reads_after: float = 0.0,
    ) -> None:
        self._ward, self._queue, self._wrongs = ward, list(queue), wrongs
        self._patience, self._reads_after = patience, reads_after
        self.all: list[Login] = []

    async def one_after_another(self, *, pause: float = 0.0) -> None:
        while self._queue:
            chance = random.Random(self._ward.chance.random())
            wrongs = chance.choice(self._wrongs)
            person = self._queue.pop()
            login = Login(self._ward.phone(), person, chance, wrongs, self._patience, self._reads_after)
            self.all.append(login)
            await login.runs()
            await asyncio.sleep(pause * chance.random())


class Watch:
    """Counters, looked at after every death: they never fall."""

    def __init__(self, ward: Ward) -> None:
        self._ward, self._before = ward, Counter[str]()

    def __call__(self) -> None:
        now = Counter({f"guesses of {row['id']}": row["guesses"] for row in self._ward.rows("SELECT * FROM codes")})
        for row in self._ward.rows("SELECT kind, subject, count(*) AS n FROM attempts GROUP BY kind, subject"):
            now[f"{row['kind']} of {row['subject']}"] = row["n"]
        for what, n in self._before.items():
            assert now[what] >= n, f"{what} fell from {n} to {now[what]}"
        self._before = now


def check(ward: Ward, logins: Sequence[Login], *, again: bool = False) -> None:
    """After `ward.check`: everybody is in, by one code each, and every wrong guess was counted once.

    `again`: some had to ask for another code, or were logged out by a clock and came back.
    """
    vault = ward.vault()
    for login in logins:
        assert login.done
        [account] = ward.rows("SELECT * FROM accounts WHERE external_id = ?", login.phone.user)
        [person] = ward.rows(
            "SELECT * FROM people WHERE id_index = ?", national_id_index(vault, login.person.national_id)
        )
        assert account["person_id"] == person["id"]
        assert account["session"]
        codes = ward.rows("SELECT * FROM codes WHERE account_id = ? ORDER BY id", account["id"])
        if again and not codes:
            continue  # a clock that was a day ahead has let them, or some of them, be cleared away
        spent = [code for code in codes if code["outcome"] == "spent"]
        assert spent
        wrong = ward.rows("SELECT 1 FROM attempts WHERE kind = 'wrong_code' AND subject = ?", person["id"])
        assert len(wrong) == login.wrong, f"{login.wrong} wrong guesses, {len(wrong)} counted"
        assert sum(code["guesses"] for code in codes) >= login.wrong + 1
        mailed = [mail for mail in ward.mails().values() if mail["to"] == login.person.address]
        assert mailed
        if not again:
            assert len(mailed) == len(codes) == 1
            assert codes[0]["guesses"] == login.wrong + 1
