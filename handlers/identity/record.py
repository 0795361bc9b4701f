"""Facts and effects of the identity conversations."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot import thai
from bot.events import Invalid
from bot.settings import Settings
from bot.times import DAY, MINUTE, local_date, moment
from bot.topic import Context, Later, Visitor
from handlers.identity import checks, codes, requests, script, verifier
from handlers.identity import effects as do
from handlers.identity.rules import IN_SERVICE, NOTICE_VERSION, may_register_alone, sso_usable_from
from storage import attempts, chats, people
from storage.attempts import Limit
from storage.database import Tx
from storage.people import Person
from storage.vault import Vault


async def facts(
    tx: Tx, vault: Vault, settings: Settings, visitors: Sequence[Visitor], now: int
) -> dict[str, script.Facts]:
    known = await people.by_ids(tx, vault, [v.person_id for v in visitors if v.person_id])
    offered = {
        row["subject"]: row["n"] >= settings.identity_tries_before_officer or row["kind"] == "stopped"
        for row in await tx.each(
            "SELECT a.subject AS subject, COUNT(*) AS n, MAX(a.kind) AS kind FROM attempts a JOIN each(:batch) e "
            "ON a.kind IN ('identity', 'stopped') AND a.subject = e.value ->> 'id' "
            "AND a.at > CAST(e.value ->> 'since' AS BIGINT) GROUP BY a.subject",
            [{"id": v.id, "since": now - DAY} for v in visitors],
        )
    }
    today = local_date(now, settings.timezone)
    found = {}
    for visitor in visitors:
        person = known.get(visitor.person_id or "") if visitor.logged_in else None
        email = person.email if person else None
        own: dict[str, Any] = {}
        if person:
            own = {
                "name": person.full_name,
                "unit": person.unit,
                "masked": thai.mask_email(email.address) if email else "",
                "usable_from": email.effective_on if email and email.effective_on > today else None,
                "phone": person.contact.get("phone", ""),
                "fax": person.contact.get("fax", ""),
                "group": visitor.group,
            }
        found[visitor.id] = script.Facts(
            today=today,
            channel=visitor.channel,
            verifier=settings.card_verifier,
            officer_offered=offered.get(visitor.id, False),
            code_digits=settings.code_digits,
            phone_digits=(settings.phone_digits_min, settings.phone_digits_max),
            shared=visitor.shared,
            **own,
        )
    return found


# --- who is meant ---------------------------------------------------------------------------------------------------


async def _somebody(context: Context, national_id: str) -> Person | None:
    """Whoever has that ID and is in service; somebody who has left is treated as somebody unknown."""
    person = await people.by_index(context.tx, context.vault, people.national_id_index(context.vault, national_id))
    return person if person and person.status in IN_SERVICE else None


async def _linked(context: Context) -> Person | None:
    if context.visitor.person_id is None:
        return None
    person = await people.by_id(context.tx, context.vault, context.visitor.person_id)
    return person if person.status in IN_SERVICE else None


async def _person(context: Context, national_id: str) -> Person:
    """The person that the script has named before; gone only if the roster has changed meanwhile."""
    person = await (_somebody(context, national_id) if national_id else _linked(context))
    if person is None:
        raise Invalid("start_over")
    return person


# --- logging in -----------------------------------------------------------------------------------------------------


async def recall(context: Context, _: do.Recall) -> dict[str, Any]:
    person = await _linked(context)
    masked = thai.mask_email(person.email.address) if person and person.email else None
    return {"noticed": context.visitor.notice == NOTICE_VERSION, "masked": masked}


async def acknowledge(context: Context, effect: do.Acknowledge) -> bool:
    context.save(
        "UPDATE accounts SET notice = :version, notice_at = :now WHERE id = :id",
        {"version": effect.version, "now": context.now, "id": context.visitor.id},
    )
    context.visitor.notice = effect.version
    return True


_TYPED = (
    "INSERT INTO typed_ids (account_id, id_index, at) VALUES (:account, :index, :now) "
    "ON CONFLICT (account_id, id_index) DO UPDATE SET at = excluded.at"
)


async def look_up(context: Context, effect: do.LookUp) -> dict[str, Any]:
    """Known without an address and unknown take the very same path from here on (OTP9)."""
    s, now = context.settings, context.now
    limits = {
        context.visitor.id: Limit(per_hour=s.lookups_per_hour),
        attempts.EVERYBODY: Limit(per_hour=s.lookups_everywhere_per_hour),
    }
    if until := await attempts.blocked_until(context.tx, "lookup", limits, now):
        raise Invalid("too_many_lookups", **codes.when(context, until))
    for sql, row in attempts.notes("lookup", limits, now):
        context.save(sql, row)  # a chat has one event in a batch, so nobody looks before this is written
    context.save(_TYPED, {
        "account": context.visitor.id,
        "index": people.national_id_index(context.vault, effect.national_id),
        "now": now,
    })  # fmt: skip
    person = await _somebody(context, effect.national_id)
    return {"masked": thai.mask_email(person.email.address) if person and person.email else None}


def _address(person: Person, typed: str) -> str:
    if typed:
        return typed
    if person.email is None:
        raise Invalid("start_over")
    return person.email.address


async def send_code(context: Context, effect: do.SendCode) -> dict[str, Any]:
    person = await _person(context, effect.national_id)
    address = _address(person, effect.address)
    issued = await codes.issue(context, effect.purpose, person, address)
    return {
        "masked": thai.mask_email(address),
        "reference": issued.reference,
        "minutes": context.settings.code_minutes,
        "digits": context.settings.code_digits,
    }


async def check_code(context: Context, effect: do.CheckCode) -> bool:
    person = await _person(context, effect.national_id)
    address = _address(person, effect.address)
    await codes.guess(context, effect.purpose, person, address, effect.code)
    if effect.purpose in ("login", "step_up"):  # the mailbox on record was proved, not one that was just typed
        await context.tx.run(
            "UPDATE accounts SET confirmed_at = :now WHERE id = :id", {"now": context.now, "id": context.visitor.id}
        )
        context.visitor.confirmed_at = context.now
    return True


async def enter(context: Context, effect: do.Enter) -> dict[str, str]:
    """One chat per person and channel: the old one is dead at once and its mailbox told (a lost phone)."""
    person = await _person(context, effect.national_id)
    if not await codes.spend(context, person, ("login", "register"), by="spent"):
        raise Invalid("start_over")
    visitor, tx = context.visitor, context.tx
    ids = {"person": person.id, "channel": visitor.channel, "me": visitor.id}
    cut_off = [
        row["id"]
        for row in await tx.all(
            "SELECT id FROM accounts WHERE person_id = :person AND channel = :channel AND id <> :me", ids
        )
    ]
    await chats.end_sessions(tx, cut_off, unlink=True)
    visitor.session = await chats.begin_session(tx, context.vault, visitor.chat, person.id, context.now)
    visitor.person_id, visitor.person_key = person.id, person.key
    visitor.session_at = visitor.seen_at = context.now
    visitor.group = ""
    if cut_off:
        context.logged_out(cut_off)
        for account in cut_off:
            context.post("notice", "cut_off", {}, visitor.chat_key, account_id=account)
        if person.email:
            _tell(context, person, person.email.address, "mail.linked", _moment(context))
        await requests.report_relink(context, person)
    return {"name": person.full_name}


# --- proving who one is ---------------------------------------------------------------------------------------------


async def check_card(context: Context, effect: do.CheckCard) -> dict[str, bool]:
    """Name, birth date and laser code must all agree; nobody learns which did not, nor whether the ID is known."""
    s, now = context.settings, context.now
    id_index = people.national_id_index(context.vault, effect.national_id)
    limit = Limit(per_day=s.identity_tries_per_day)
    if await attempts.take(context.tx, "identity", {context.visitor.id: limit, id_index: limit}, now):
        await attempts.note(context.tx, "stopped", context.visitor.id, now)
        raise Invalid("identity_stopped")
    person = await _somebody(context, effect.national_id)
    claim = {"name": effect.name, "birth_date": effect.birth_date}
    agrees = bool(person and all(checks.matches(person, claim).values()))
    alone = bool(
        person
        and may_register_alone(
            person.appointed_on,
            person.transferred_in_on,
            s.self_service_before,
            transfer_overrides=s.transfer_overrides_date,
        )
    )
    if s.card_verifier == "http":
        # an unknown ID goes the same way, at the same speed: what the roster says is only added to the answer
        context.post(
            "verify",
            "card",
            {
                "channel": context.visitor.channel,
                "external_id": context.visitor.external_id,
                "agrees": agrees,
                "alone": alone,
                "flow": context.flow,
                "key": context.key,
                "attempt": context.attempt,
                "national_id": effect.national_id,
                "name": effect.name,
                "birth_date": effect.birth_date,
                "laser_code": effect.laser_code,
            },
            context.visitor.chat_key,
            expires_at=now + 2 * MINUTE,
        )
        raise Later(seconds=verifier.TIMEOUT_SECONDS)
    card = people.card_hash(context.vault, effect.national_id, effect.laser_code)
    if not (hmac.compare_digest((person and person.card_hash) or "", card) and agrees):
        raise Invalid("identity_mismatch")
    return {"alone": alone}


async def ask_officer(context: Context, effect: do.AskOfficer) -> dict[str, str]:
    id_index = people.national_id_index(context.vault, effect.national_id)
    a_day = context.settings.officer_checks_per_day
    # one chat alone shuts nobody out
    limits = {context.visitor.id: Limit(per_day=a_day), id_index: Limit(per_day=2 * a_day)}
    if await attempts.take(context.tx, "officer", limits, context.now):
        raise Invalid("too_many_checks")
    claim = {"name": effect.name, "birth_date": effect.birth_date}
    person = await _somebody(context, effect.national_id)
    reference = await checks.open_check(context, person, id_index, claim, effect.why)
    return {"reference": reference}


async def await_officer(context: Context, effect: do.AwaitOfficer) -> bool:
    verdict = await checks.verdict_for(context, effect.reference)
    if verdict is None:
        raise Later
    if verdict != "confirmed":
        raise Invalid("officer_refused")
    return True


# --- the record -----------------------------------------------------------------------------------------------------


async def save_email(context: Context, effect: do.SaveEmail) -> dict[str, Any]:
    person = await _person(context, effect.national_id)
    if not effect.national_id and not _stepped_up(context):
        return {"usable_from": None}
    purpose = "register" if effect.national_id else "change"
    if not await codes.spend(context, person, (purpose,), by="saved", address=effect.address):
        raise Invalid("start_over")
    usable = sso_usable_from(local_date(context.now, context.settings.timezone))
    source = "officer" if effect.officer else "self"
    email_id = await people.set_email(context.tx, person, effect.address, source, usable, context.now)
    params = {"masked": thai.mask_email(effect.address), "date": usable.isoformat(), **_moment(context)}
    _tell(context, person, effect.address, "mail.registered", params)
    if person.email and person.email.address != effect.address:
        _tell(context, person, person.email.address, "mail.replaced", params)
    zone = ZoneInfo(context.settings.timezone)
    morning = datetime(usable.year, usable.month, usable.day, context.settings.quiet_until_hour, tzinfo=zone)
    context.post(
        "notice",
        "sso_ready",
        {"email_id": email_id},
        person.key,
        account_id=None,
        person_id=person.id,
        due_at=int(morning.timestamp() * 1000),
        expires_at=int((morning + timedelta(days=3)).timestamp() * 1000),
    )
    return {"usable_from": usable.isoformat()}


def _stepped_up(context: Context) -> bool:
    age = context.now - context.visitor.confirmed_at
    return 0 <= age <= context.settings.step_up_minutes * MINUTE


async def step_up_needed(context: Context, _: do.StepUpNeeded) -> bool:
    return not _stepped_up(context)


def _moment(context: Context) -> dict[str, str]:
    today = local_date(context.now, context.settings.timezone).isoformat()
    return {"day": today, "at": moment(context.now).isoformat()}


def _tell(context: Context, person: Person, address: str, text: str, params: Mapping[str, Any]) -> None:
    """A mail about the record, to one of the person's own mailboxes."""
    content = {"to": address, "language": context.visitor.language, "text": text, "params": dict(params)}
    lane = f"mail:{people.address_index(context.vault, address)}"
    context.post("mail", "notice", content, person.key, person_id=person.id, lane=lane)


async def choose_group(context: Context, effect: do.ChooseGroup) -> bool:
    context.save(
        "UPDATE accounts SET staff_group = :group WHERE id = :id",
        {"group": effect.group, "id": context.visitor.id},
    )
    context.visitor.group = effect.group
    return True


async def save_contact(context: Context, effect: do.SaveContact) -> bool:
    contact = {"phone": effect.phone, "fax": effect.fax, "own": "1"}
    await people.set_contact(context.tx, await _person(context, ""), contact, context.now)
    return True


async def set_shared(context: Context, effect: do.SetShared) -> bool:
    context.save(
        "UPDATE accounts SET shared = :shared WHERE id = :id",
        {"shared": int(effect.shared), "id": context.visitor.id},
    )
    context.visitor.shared = effect.shared
    return True


async def recall_help(context: Context, _: do.RecallHelp) -> dict[str, str]:
    person = await _person(context, "")
    waiting = await requests.pending(context.tx, context.vault, person.id, "help")
    return {"since": local_date(waiting.asked_at, context.settings.timezone).isoformat() if waiting else ""}


async def ask_for_help(context: Context, effect: do.AskForHelp) -> bool:
    person = await _person(context, "")
    limits = {person.id: Limit(per_day=context.settings.help_per_day)}
    if until := await attempts.blocked_until(context.tx, "help", limits, context.now):
        raise Invalid("too_many_questions", **codes.when(context, until))
    await requests.ask_for_help(context, person, effect.words)
    await attempts.note(context.tx, "help", person.id, context.now)
    return True


async def log_out(context: Context, _: do.LogOut) -> bool:
    """Nothing of this person stays in the chat: not the link, not what was said."""
    await chats.end_sessions(context.tx, [context.visitor.id], unlink=True)
    context.visitor.log_out(unlink=True)
    return True
