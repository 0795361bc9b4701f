"""What identity conversations ask the shell to do. Values only; `record` performs them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recall:
    """→ {"noticed": bool, "masked": address of the person this chat belongs to, or null}"""


@dataclass(frozen=True)
class Acknowledge:
    version: str


@dataclass(frozen=True)
class LookUp:
    """→ {"masked": masked address or null}: null for somebody without an address and for somebody unknown alike."""

    national_id: str


@dataclass(frozen=True)
class SendCode:
    """→ {"masked", "reference", "minutes", "digits"}.

    To whom: the person of `national_id`, else the person this chat belongs to. Where: `address`, which that person has
    just typed, else the address on record.
    """

    purpose: str
    national_id: str = ""
    address: str = ""


@dataclass(frozen=True)
class CheckCode:
    """→ true, or refused. Bound to purpose, person, chat and address."""

    purpose: str
    code: str
    national_id: str = ""
    address: str = ""


@dataclass(frozen=True)
class CheckCard:
    """→ {"alone": may this person register alone}, or refused in the same words for whatever does not match."""

    national_id: str
    name: str
    birth_date: str
    laser_code: str


@dataclass(frozen=True)
class AskOfficer:
    """→ {"reference"}: a check for HR to make in person. `why`: card, form."""

    national_id: str
    name: str
    birth_date: str
    why: str


@dataclass(frozen=True)
class AwaitOfficer:
    """→ true once HR has confirmed."""

    reference: str


@dataclass(frozen=True)
class SaveEmail:
    """→ {"usable_from": date}. `national_id` empty: of the person who is logged in (needs a fresh step-up)."""

    address: str
    national_id: str = ""
    officer: bool = False


@dataclass(frozen=True)
class Enter:
    """Link this chat to the person and begin a session. → {"name"}"""

    national_id: str


@dataclass(frozen=True)
class StepUpNeeded:
    """→ bool: was the last mailed code entered too long ago for something that matters?"""


@dataclass(frozen=True)
class ChooseGroup:
    group: str


@dataclass(frozen=True)
class SaveContact:
    phone: str
    fax: str


@dataclass(frozen=True)
class SetShared:
    shared: bool


@dataclass(frozen=True)
class RecallHelp:
    """→ {"since": date of the question to HR that waits for an answer, or empty}"""


@dataclass(frozen=True)
class AskForHelp:
    """`words`: what HR is asked, or what is added to the question that waits."""

    words: str


@dataclass(frozen=True)
class LogOut: ...
