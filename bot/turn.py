"""Laws 2 and 3: one event, one transaction, once; and the database is talked to in sets.

The steps of a batch (see `bot.batch` for what a batch is), all in one transaction:

1. load the accounts with their conversations, keys and persons; make the missing accounts;
2. the inbox row of each event *is* its deduplication: an event that has one already is answered and left alone;
3. load each running flow's facts, one query a topic;
4. walk each conversation, in inbox order (`bot.walk`);
5. save conversations, accounts and the outbox, one statement a table;
6. commit. Only now do the requests hear that their event was taken, and only then replies go out.
"""

import time
from collections.abc import Callable, Mapping, Sequence, Set

import structlog

from bot import metrics
from bot.batch import Batcher, Work
from bot.flow import Conversation
from bot.outbox import NEWS, SCREEN, Outbox, Written
from bot.screen import load
from bot.topic import Facts, Incoming, Visitor
from bot.walk import House, Walk
from storage import chats
from storage.database import Database, Row, Tx
from storage.ids import new_id
from storage.vault import Keyring, Tampered

log = structlog.get_logger()

Account = tuple[str, str]
Loaded = Mapping[Account, tuple[Visitor, Conversation]]


class Turn:
    """`await turn.take(incoming)` returns once the event is committed."""

    def __init__(self, database: Database, house: House, outbox: Outbox, clock: Callable[[], int]) -> None:
        self._database, self._house, self._outbox, self._clock = database, house, outbox, clock
        self._batcher = Batcher(self._commit)
        self.take = self._batcher.take
        self.start = self._batcher.start
        self.stop = self._batcher.stop

    async def _commit(self, batch: Sequence[Work]) -> Sequence[Work]:
        now, begun = self._clock(), time.perf_counter()
        async with self._database.write() as tx:
            loaded = await self._load(tx, [work.incoming for work in batch], now)
            lost = [work for work in batch if _account(work.incoming) not in loaded]
            batch = [work for work in batch if work not in lost]
            fresh = await self._dedupe(tx, batch, loaded, now)
            works = [work for work in batch if (*_event(work.incoming), loaded[_account(work.incoming)][0].id) in fresh]
            alive = [loaded[_account(work.incoming)] for work in works if not work.dead]
            facts = await self._facts(tx, alive, now)
            walks: dict[Work, Walk] = {}
            gone: set[str] = set()
            for work in works:
                visitor, convo = loaded[_account(work.incoming)]
                if visitor.id in gone:
                    continue  # a neighbour logged this account out: it is loaded anew in a batch of its own
                walk = Walk(self._house, tx, work.incoming, visitor, convo, facts.get(visitor.id, {}), now)
                if work.dead:
                    walk.apologise()
                else:
                    await walk.run()
                gone |= walk.gone
                walks[work] = walk
            written = await self._save(tx, list(walks.values()), gone, now)
            deferred = [work for work in works if work not in walks]
            await self._outcomes(tx, deferred, [work for work in walks if work.dead])
        metrics.batch(len(batch), time.perf_counter() - begun)
        for work in lost:  # nothing of theirs can be read, not even to say sorry; again would be the same
            work.settle("dead")
        for work in batch:
            if work not in deferred:
                outcome = "duplicate" if work not in walks else "dead" if work.dead else "done"
                work.settle(outcome)
        self._outbox.dispatch(written)  # nothing may be awaited since the commit: see `Outbox.insert`
        return deferred

    async def _load(self, tx: Tx, batch: Sequence[Incoming], now: int) -> Loaded:
        wanted = [{"channel": i.channel, "external_id": i.external_id} for i in batch]
        await tx.among(_LOCK, wanted)  # a statement of its own: what is loaded is what was there after the waiting
        rows = await tx.each(_LOAD, wanted)
        known = {(row["channel"], row["external_id"]) for row in rows}
        missing = {_account(i): i for i in batch if _account(i) not in known}
        if missing:
            made = [(i, *self._house.vault.new_key()) for i in missing.values()]
            # another process may make the same account at this moment: then the key is not needed
            new = await tx.each(
                "INSERT INTO accounts (id, channel, external_id, key_id, language, created_at) "
                "SELECT value ->> 'id', value ->> 'channel', value ->> 'external_id', value ->> 'key_id', "
                "value ->> 'language', CAST(value ->> 'now' AS BIGINT) FROM each(:batch) WHERE true "
                "ORDER BY value ->> 'channel', value ->> 'external_id' ON CONFLICT DO NOTHING RETURNING key_id",
                [
                    {
                        "id": new_id(),
                        "channel": i.channel,
                        "external_id": i.external_id,
                        "key_id": key.id,
                        "language": i.language,
                        "now": now,
                    }
                    for i, key, _ in made
                ],
            )
            needed = {row["key_id"] for row in new}
            await tx.many(
                "INSERT INTO keys (id, wrapped) VALUES (:id, :wrapped)",
                [{"id": key.id, "wrapped": wrapped} for _, key, wrapped in made if key.id in needed],
            )
            lacking = [{"channel": c, "external_id": e} for c, e in missing]
            await tx.among(_LOCK, lacking)
            rows += await tx.each(_LOAD, lacking)
        loaded = {}
        for row in rows:
            try:
                loaded[row["channel"], row["external_id"]] = self._visitor(row)
            except Tampered:
                log.error("account_unreadable", account=row["id"])
        return loaded

    def _visitor(self, row: Row) -> tuple[Visitor, Conversation]:
        vault = self._house.vault
        chat_key, person_key = vault.key_of(row, "chat_"), vault.key_of(row, "person_")
        assert chat_key is not None
        visitor = Visitor(
            id=row["id"],
            channel=row["channel"],
            external_id=row["external_id"],
            language=row["language"],
            person_id=row["person_id"],
            session=row["session"],
            session_at=row["session_at"] or 0,
            confirmed_at=row["confirmed_at"] or 0,
            seen_at=row["seen_at"],
            event_at=row["event_at"],
            reachable=bool(row["reachable"]),
            shared=bool(row["shared"]),
            group=row["staff_group"] or "",
            notice=row["notice"] or "",
            chat_key=chat_key,
            person_key=person_key,
            officer=bool(row["officer"]),
            lacks_factor=bool(row["officer"] and not row["enrolled"]),
            forged=row["session"] is not None and not chats.genuine(vault, row),
        )
        if not row["state"] or row["talk_session"] != row["session"]:
            return visitor, Conversation()  # what was said in a session that has ended is gone
        try:
            return visitor, load(Keyring(chat_key, person_key).open(row["state"], "conversations", row["id"], "state"))
        except Tampered:
            log.error("conversation_unreadable", account=row["id"])
            return visitor, Conversation()

    async def _dedupe(self, tx: Tx, batch: Sequence[Work], loaded: Loaded, now: int) -> set[tuple[str, str, str]]:
        rows = await tx.each(
            "INSERT INTO inbox (channel, event_id, account_id, received_at, outcome) "
            "SELECT value ->> 'channel', value ->> 'event_id', value ->> 'account_id', "
            "CAST(value ->> 'now' AS BIGINT), 'done' FROM each(:batch) WHERE true "
            "ON CONFLICT DO NOTHING RETURNING channel, event_id, account_id",
            [
                {
                    "channel": work.incoming.channel,
                    "event_id": work.incoming.event_id,
                    "account_id": loaded[_account(work.incoming)][0].id,
                    "now": now,
                }
                for work in batch
            ],
        )
        return {(row["channel"], row["event_id"], row["account_id"]) for row in rows}

    async def _facts(
        self, tx: Tx, loaded: Sequence[tuple[Visitor, Conversation]], now: int
    ) -> dict[str, dict[int, Facts]]:
        """Account → topic → facts, for the flows that run; at home, for those that may be started."""
        registry = self._house.registry
        wanted: dict[int, list[Visitor]] = {}
        for visitor, convo in loaded:
            flows = [f.flow for f in convo.frames if f.flow in registry.flows] or registry.menu(visitor)
            for topic in {registry.topic_of(flow) for flow in flows}:
                wanted.setdefault(topic, []).append(visitor)
        facts: dict[str, dict[int, Facts]] = {}
        for topic, visitors in wanted.items():
            for account, found in (await registry.topics[topic].facts(tx, visitors, now)).items():
                facts.setdefault(account, {})[topic] = found
        return facts

    async def _save(self, tx: Tx, walks: Sequence[Walk], gone: Set[str], now: int) -> Written:
        saves: dict[str, list[Row]] = {}
        for walk in walks:
            for sql, row in walk.saves:
                if walk.visitor.id not in gone:  # else a neighbour has just taken it all back
                    saves.setdefault(sql, []).append(row)
        for sql, rows in saves.items():
            await tx.many(sql, rows)
        await tx.many(
            "INSERT INTO conversations (account_id, session, seen_at, state) VALUES (:id, :session, :now, :state) "
            "ON CONFLICT (account_id) DO UPDATE SET session = excluded.session, seen_at = excluded.seen_at, "
            "state = excluded.state",
            [
                {"id": w.visitor.id, "session": w.visitor.session, "now": now, "state": w.state()}
                for w in walks
                if w.visitor.id not in gone
            ],
        )
        await tx.many(
            "UPDATE accounts SET seen_at = :seen_at, event_at = :event_at, reachable = :reachable, "
            "language = :language WHERE id = :id",
            [
                {
                    "id": w.visitor.id,
                    "seen_at": w.visitor.seen_at,
                    "event_at": w.visitor.event_at,
                    "reachable": int(w.visitor.reachable),
                    "language": w.visitor.language,
                }
                for w in walks
            ],
        )
        entries = [
            entry
            for walk in walks
            for entry in walk.entries
            if walk.visitor.id not in gone or entry.purpose not in (SCREEN, NEWS)  # not to a phone that was cut off
        ]
        return await self._outbox.insert(tx, entries)

    async def _outcomes(self, tx: Tx, deferred: Sequence[Work], dead: Sequence[Work]) -> None:
        await tx.many(
            "DELETE FROM inbox WHERE channel = :channel AND event_id = :event_id",
            [{"channel": w.incoming.channel, "event_id": w.incoming.event_id} for w in deferred],
        )
        await tx.many(
            "UPDATE inbox SET outcome = 'dead' WHERE channel = :channel AND event_id = :event_id",
            [{"channel": w.incoming.channel, "event_id": w.incoming.event_id} for w in dead],
        )


def _account(incoming: Incoming) -> Account:
    return (incoming.channel, incoming.external_id)


def _event(incoming: Incoming) -> tuple[str, str]:
    return (incoming.channel, incoming.event_id)


_LOCK = """
SELECT 1 FROM each(:batch) e
JOIN accounts a ON a.channel = e.value ->> 'channel' AND a.external_id = e.value ->> 'external_id'
ORDER BY a.channel, a.external_id FOR UPDATE OF a
"""

_LOAD = """
SELECT a.*, ck.id AS chat_key_id, ck.wrapped AS chat_wrapped, pk.id AS person_key_id, pk.wrapped AS person_wrapped,
       c.state, c.session AS talk_session,
       EXISTS (SELECT 1 FROM grants g WHERE g.person_id = a.person_id AND g.ended_at IS NULL) AS officer,
       EXISTS (SELECT 1 FROM second_factors f WHERE f.person_id = a.person_id
               AND f.confirmed_at IS NOT NULL) AS enrolled
FROM each(:batch) e
JOIN accounts a ON a.channel = e.value ->> 'channel' AND a.external_id = e.value ->> 'external_id'
JOIN keys ck ON ck.id = a.key_id
LEFT JOIN people p ON p.id = a.person_id
LEFT JOIN keys pk ON pk.id = p.key_id
LEFT JOIN conversations c ON c.account_id = a.id
"""
