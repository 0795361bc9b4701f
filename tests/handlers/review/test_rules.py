"""Reasons for which a paper comes back."""

import pytest

from bot.text import Texts
from handlers.documents.rules import EVERY_SLOT
from handlers.review.rules import _MORE, OTHER, reasons

CASES = [(slot, waiver) for slot in EVERY_SLOT for waiver in (False, True)]


def test_every_reason_has_words_and_a_digit_at_the_desk() -> None:
    texts = Texts()
    for slot, waiver in CASES:
        codes = reasons(slot, waiver=waiver)
        assert [code for code in codes if not texts.has(f"reason.{code}")] == [], slot
        assert len(codes) == len(set(codes)) <= 9, slot
        assert codes[-1] == OTHER, slot


def test_every_paper_with_reasons_of_its_own_is_one() -> None:
    assert _MORE.keys() <= {slot.kind for slot in EVERY_SLOT.values() if not slot.is_card}


@pytest.mark.parametrize("slot", ["id_card", "father", "mother", "spouse", "child.3", "licence"])
def test_what_has_expired_may_be_sent_back_for_it(slot: str) -> None:
    assert "expired" in reasons(slot)


def test_what_never_expires_may_not() -> None:
    assert "expired" not in reasons("house")
    assert "expired" not in reasons("father.death")
