"""The identity conversations, in reading order. Pure (law 1, see `bot.flow`)."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

from bot import thai
from bot.answers import typed
from bot.events import Invalid, Say
from bot.flow import Ask, Choice, Do, Script
from bot.values import frozen
from handlers.identity import effects as do
from handlers.identity.rules import GROUPS, NOTICE_VERSION, WORDS_MOST


@frozen
class Facts:
    """What the scripts may know. The person's own data are empty until somebody is logged in.

    `verifier`: roster, officer or http. `officer_offered`: the identity check failed often enough to offer HR's help.
    """

    today: date
    channel: str
    verifier: str
    officer_offered: bool
    code_digits: int
    phone_digits: tuple[int, int]
    shared: bool
    name: str = ""
    unit: str = ""
    masked: str = ""
    usable_from: date | None = None
    phone: str = ""
    fax: str = ""
    group: str = ""


# --- reading what people type ---------------------------------------------------------------------------------------


def full_name(text: str) -> str:
    name = thai.clean(text)  # titles stay: comparing leaves them out on both sides, and "พลเอก" may be a first name
    if len(name.split()) < 2:
        raise Invalid("name_format")
    if len(name) > 200:
        raise Invalid("name_long")
    return name


def iso_birth_date(today: date) -> Callable[[str], str]:
    return lambda text: thai.birth_date(text, today).isoformat()


def same_as(address: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if thai.email(text) != address:
            raise Invalid("email_differs", first=address)
        return address

    return read


def own_words(text: str) -> str:
    """Any number of lines. Raises `Invalid`: help_words, help_long, words_piled."""
    words = "\n".join(thai.clean(line) for line in text[: 4 * WORDS_MOST].splitlines()).strip()
    if not words:
        raise Invalid("help_words")
    if len(words) > WORDS_MOST or len(text) > 4 * WORDS_MOST:
        raise Invalid("help_long", limit=WORDS_MOST)
    return thai.legible(words)


# --- parts that several conversations share -------------------------------------------------------------------------


def mailed_code(
    digits: int, purpose: str, *, national_id: str = "", address: str = "", elsewhere: bool = False
) -> Script[bool]:
    """A code of so many digits goes out and comes back. False: the person cannot read that mailbox (only if
    `elsewhere` is offered)."""
    sending = f"{purpose}.sent"
    sent = yield from Do[dict[str, Any]](sending, do.SendCode(purpose, national_id, address))
    proved = yield from Ask[Any](
        f"{purpose}.code",
        typed(partial(thai.otp, digits=digits)),
        choices=(
            Choice("resend", reopen=(sending,)),
            *((Choice("other_mailbox"),) if elsewhere else ()),
        ),
        check=lambda code: do.CheckCode(purpose, code, national_id, address),
        text="ask.code",
        params=sent,
        input="digits",
    )
    return proved is True


def new_address(*, registering: bool) -> Script[str]:
    """An address, typed twice, and a last look at it."""
    address = yield from Ask[str]("email", typed(thai.email), input="email")
    yield from Ask[str]("email_again", typed(same_as(address)), keep=lambda again: again == address, input="email")
    yield from Ask[str](
        "save",
        choices=(
            Choice("save", style="primary"),
            Choice("other_address", reopen=("email", "email_again")),
        ),
        text="ask.save_email" if registering else "ask.save_change",
        params={"email": address},
    )
    return address


def identify(facts: Facts, national_id: str) -> Script[bool]:
    """Is this the person of that ID? Nobody learns here whether the ID is on the roster. → True: HR confirmed it."""
    name = yield from Ask[str]("name", typed(full_name))
    born = yield from Ask[str]("birth_date", typed(iso_birth_date(facts.today)), choices=(Choice("birth_unknown"),))
    why = "card"
    if born != "birth_unknown" and facts.verifier != "officer":
        matched = yield from Ask[Any](
            "laser",
            typed(thai.laser_code),
            choices=(Choice("ask_officer"),) if facts.officer_offered else (),
            check=lambda laser: do.CheckCard(national_id, name, born, laser),
            params={"birth_date": date.fromisoformat(born)},
        )
        if isinstance(matched, Mapping):
            if matched["alone"]:
                return False
            why = "form"
            yield from Do("told_form", Say("register.form_needed"))
    asked = yield from Do[dict[str, str]]("asked_officer", do.AskOfficer(national_id, name, born, why), final=True)
    yield from Do[bool]("officer", do.AwaitOfficer(asked["reference"]), final=True)
    yield from Do("told_confirmed", Say("register.confirmed"))
    return True


def arrive(national_id: str) -> Script[Say]:
    """Begin the session, choose the group (ข้าราชการ / กลุ่มข้าราชการใหม่)."""
    entered = yield from Do[dict[str, str]]("entered", do.Enter(national_id), final=True)
    group = yield from Ask[str]("group", choices=tuple(Choice(group) for group in GROUPS))
    yield from Do[bool]("group_chosen", do.ChooseGroup(group), final=True)
    return Say("login.done", entered)


# --- the conversations ----------------------------------------------------------------------------------------------


def login(facts: Facts, _args: Mapping[str, Any]) -> Script[Say]:
    """Log in, or register the e-mail address that logging in needs."""
    known = yield from Do[dict[str, Any]]("recalled", do.Recall())
    if not known["noticed"]:
        yield from Ask[str](
            "notice", choices=(Choice("acknowledge", style="primary"),), params={"way": Say(f"way.{facts.channel}")}
        )
        yield from Do[bool]("acknowledged", do.Acknowledge(NOTICE_VERSION), final=True)
    national_id, masked = "", known["masked"]
    if masked:  # this chat was somebody's before
        choices = (Choice("send_code", style="primary"), Choice("somebody_else"))
        whose = yield from Ask[str]("welcome_back", choices=choices, params={"masked": masked})
        masked = masked if whose == "send_code" else None
    if not masked:
        national_id = yield from Ask[str]("national_id", typed(thai.national_id), input="digits")
        masked = (yield from Do[dict[str, Any]]("found", do.LookUp(national_id)))["masked"]
    if masked:
        proved = yield from mailed_code(facts.code_digits, "login", national_id=national_id, elsewhere=True)
        if proved:
            return (yield from arrive(national_id))
        if not national_id:
            national_id = yield from Ask[str]("national_id", typed(thai.national_id), input="digits")
        yield from Do("told_identify", Say("register.prove"))
    else:
        yield from Do("told_missing", Say("register.no_email"))
    officer = yield from identify(facts, national_id)
    address = yield from new_address(registering=True)
    yield from mailed_code(facts.code_digits, "register", national_id=national_id, address=address)
    saved = yield from Do[dict[str, str]]("saved", do.SaveEmail(address, national_id, officer), final=True)
    yield from Do("told_saved", Say("register.saved", {"date": date.fromisoformat(saved["usable_from"])}))
    return (yield from arrive(national_id))


def profile(facts: Facts, _args: Mapping[str, Any]) -> Script[Say | None]:
    """My data. Title, name and unit are the record's: read only (letter นร ๑๐๑๓.๓/๒๑๖, enclosure 2, step 6)."""
    chosen = yield from Ask[str](
        "card",
        choices=(Choice("edit_contact"), Choice("close")),
        params={
            "name": facts.name,
            "unit": facts.unit,
            "email": facts.masked or Say("none_yet"),
            "usable": Say("card.usable", {"date": facts.usable_from}) if facts.usable_from else "",
            "phone": thai.format_phone(facts.phone) if facts.phone else Say("none_yet"),
            "fax": thai.format_phone(facts.fax) if facts.fax else Say("none_yet"),
            "group": Say(f"choice.{facts.group}") if facts.group else Say("none_yet"),
        },
    )
    if chosen == "close":
        return None
    number = typed(lambda text: thai.phone(text, *facts.phone_digits))
    phone = yield from Ask[str]("phone", number, choices=(Choice("no_number"),), input="digits")
    fax = yield from Ask[str]("fax", number, choices=(Choice("no_number"),), input="digits")
    phone, fax = ("" if n == "no_number" else n for n in (phone, fax))
    yield from Ask[str](
        "save_contact",
        choices=(
            Choice("save_edit", style="primary"),
            Choice("edit_phone", reopen=("phone",)),
            Choice("edit_fax", reopen=("fax",)),
            Choice("clear", reopen=("phone", "fax")),
        ),
        params={
            "phone": thai.format_phone(phone) if phone else Say("none_yet"),
            "fax": thai.format_phone(fax) if fax else Say("none_yet"),
        },
    )
    yield from Do[bool]("saved", do.SaveContact(phone, fax), final=True)
    return Say("contact.saved")


def change_email(facts: Facts, _args: Mapping[str, Any]) -> Script[Say]:
    """Another address, by somebody who is logged in. Old and new address are told."""
    address = yield from new_address(registering=False)
    needed = yield from Do[bool]("step_up_needed", do.StepUpNeeded())
    if needed:
        yield from mailed_code(facts.code_digits, "step_up")
    yield from mailed_code(facts.code_digits, "change", address=address)
    saved = yield from Do[dict[str, Any]]("saved", do.SaveEmail(address), final=True)
    if not saved["usable_from"]:
        return Say("change.too_late")
    return Say("register.saved", {"date": date.fromisoformat(saved["usable_from"])})


def shared_phone(facts: Facts, _args: Mapping[str, Any]) -> Script[Say]:
    """A phone that several people use logs out by itself."""
    now = yield from Ask[str](
        "shared",
        choices=(Choice("shared_yes"), Choice("shared_no")),
        params={"state": Say(f"shared.{_switch(facts.shared)}")},
    )
    yield from Do[bool]("set", do.SetShared(now == "shared_yes"), final=True)
    return Say(f"shared.done_{_switch(now == 'shared_yes')}")


def _switch(on: bool) -> str:
    return "on" if on else "off"


def ask_hr(_facts: Facts, _args: Mapping[str, Any]) -> Script[Say]:
    """Help by an officer, in one's own words; the answer comes as a message of its own."""
    waiting = yield from Do[dict[str, str]]("help_waiting", do.RecallHelp())
    since = waiting["since"]
    words = yield from Ask[str](
        "ask_hr",
        typed(own_words),
        text="ask.ask_hr_more" if since else "ask.ask_hr",
        params={"day": date.fromisoformat(since)} if since else {},
    )
    yield from Do[bool]("help_asked", do.AskForHelp(words), final=True)
    return Say("ask_hr.sent")


def logout(_facts: Facts, _args: Mapping[str, Any]) -> Script[Say]:
    yield from Do[bool]("out", do.LogOut(), final=True)
    return Say("logout.done")
