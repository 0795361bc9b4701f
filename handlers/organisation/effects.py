"""What conversations with officers ask the shell to do. Values only; `record` performs them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NeedsFactor:
    """→ bool: has this officer no second factor yet? Refused to who is no officer. `officer`: as the script knows it,
    so that it is asked anew when that changes."""

    officer: bool


@dataclass(frozen=True)
class OpenFactorPage:
    """→ {"path"}: of the page on which a second factor is set up. Needs a fresh step-up."""


@dataclass(frozen=True)
class FactorSetUp:
    """→ true, or refused until the page was gone through to its end."""


@dataclass(frozen=True)
class CheckFactor:
    """→ true, or refused. From now on this chat has proved it."""

    code: str


@dataclass(frozen=True)
class Colleagues:
    """→ {"today", "until": the last day of this officer's own absence, or empty; "people": [id, name] of those who may
    have their queue}. Days are ISO."""


@dataclass(frozen=True)
class HandOver:
    """→ true: until this day (ISO) the queue is this colleague's."""

    colleague: str
    until: str


@dataclass(frozen=True)
class ComeBack:
    """→ true: the queue is one's own again."""
