"""What a result was good for, or a question on the screen: sixteen characters that change when that does."""

import hashlib
from typing import Any

from bot.flow.script import Ask, Do


def digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def question_digest(ask: Ask[Any]) -> str:
    """Changes with whatever the person would be saying yes to."""
    if ask.menu:
        return digest(ask.key)
    return digest(ask.key, ask.words, sorted(ask.params.items()), [c.value for c in ask.choices])


def binding(step: Ask[Any] | Do[Any]) -> str:
    """Digest of what a result depends on besides the person's secret."""
    if isinstance(step, Do):
        return _effect_digest(step.effect)
    return _effect_digest(step.check("")) if step.check else ""


def _effect_digest(effect: object) -> str:
    """Of its kind and all its fields."""
    return digest(type(effect).__qualname__, vars(effect) if hasattr(effect, "__dict__") else effect)
