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
