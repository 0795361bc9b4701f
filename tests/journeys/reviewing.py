"""What HR's review walks through, for the tests of it and of the catalogues."""

from collections.abc import Mapping
from typing import Any

import pyotp

from handlers.documents.rules import Options
from handlers.review.deciding import TELL_AFTER
from handlers.review.prompts import SETTLES
from tests.cast import MALEE, SOMCHAI
from tests.house import Chat, House
from tests.journeys.papers import CARD, STANDARD, answers_family, button, chooses, listed, sends, waived
from tests.officers import officer
from tests.security.tools import rows

CHECKLIST = ["id_card", "house", "father", "mother", "entry.degree", "entry.transcript"]
MORNING = 3  # hours after midnight UTC: 10 o'clock in Bangkok


def in_office_hours(house: House) -> None:
    day = 24 * 3600 * 1000
    house.clock.forward(seconds=((MORNING * 3600 * 1000 - house.clock()) % day) / 1000)


async def hands_in(house: House, chat: Chat, options: Options = STANDARD) -> None:
    """An ID card signed by hand; everything else he says he has not got."""
    await listed(house, options=options)
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await chat.taps("menu.documents")
    await answers_family(chat)
    await sends_card(chat)
    await waived(chat, "house", "father_card", "mother_card", "entry_degree", "entry_transcript")
    await submits(chat)


async def sends_card(chat: Chat) -> None:
    await chooses(chat, "id_card")
    await sends(chat, ("card.pdf", CARD))
    await chat.taps("choice.finish")
    await chat.taps("choice.signed_by_hand")


async def submits(chat: Chat) -> None:
    await chat.taps("choice.submit")
    await chat.taps("choice.submit_now")
    chat.sees("documents.submitted")


async def proves(chat: Chat, totp: pyotp.TOTP) -> None:
    chat.sees("ask.factor")
    await chat.says(totp.at(int(chat.house.clock() / 1000)))


async def the_clock_strikes(house: House) -> None:
    await house.kp7.schedule.once()


async def paper(house: House, slot: str = "id_card") -> Mapping[str, Any]:
    return (await rows(house, f"SELECT * FROM papers WHERE slot = '{slot}'"))[0]


async def reviewed(house: House, somchai: Chat) -> None:
    """Papers go to HR and come back."""
    in_office_hours(house)
    malee = await house.somebody(somchai.language)
    totp = await officer(house, MALEE.national_id)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await hands_in(house, somchai)

    # several things wait: one digest, with a way into the queue
    house.clock.forward(seconds=SETTLES / 1000 + 1)
    heard = len(malee.screens)
    await the_clock_strikes(house)
    await malee.hears(heard + 1)
    malee.sees("prompt.digest", "prompt.kind_paper", "prompt.kind_waiver")
    await the_clock_strikes(house)
    assert len(malee.screens) == heard + 1  # nothing new

    await malee.taps("menu.review")
    await proves(malee, totp)
    malee.sees("ask.review", "review.left", "describe.who", "describe.pages", "describe.certified_hand")
    assert SOMCHAI.name in malee.screen.text
    waiting = await rows(house, "SELECT slot, submitted_at FROM papers ORDER BY submitted_at, id DESC")
    assert [row["slot"] for row in waiting] == CHECKLIST
    await malee.taps("choice.review_open")
    malee.sees("ask.review_open")
    await malee.taps("choice.review_back")
    await malee.taps("choice.decide_return")
    malee.sees("ask.review_reason")
    await malee.taps("reason.blurred")
    malee.sees("review.returned", "ask.review", "describe.waiver")
    await malee.taps("choice.review_later")
    await malee.taps("choice.waive_approve")
    malee.sees("review.waived", "ask.review")
    await malee.taps("choice.waive_return")
    await malee.says("กรุณาส่งฉบับจริง")
    malee.sees("review.returned")
    for _ in range(2):
        await malee.taps("choice.waive_approve")
    malee.sees("review.end")

    # the owner hears all of it at once
    heard = len(somchai.screens)
    house.clock.forward(seconds=TELL_AFTER / 1000 + 1)
    await somchai.hears(heard + 1)
    somchai.sees("verdicts.told", "verdicts.returned", "verdicts.waived", "reason.blurred")
    assert "กรุณาส่งฉบับจริง" in somchai.screen.text
    await somchai.taps("menu.documents")
    somchai.sees("ask.checklist", "legend.returned", "legend.approved")
    await chooses(somchai, "id_card")
    somchai.sees("ask.kept_returned_why", "reason.blurred")
    await somchai.taps("choice.replace")
    await sends(somchai, ("card.pdf", CARD))
    await somchai.taps("choice.finish")
    await somchai.taps("choice.signed_by_hand")
    await somchai.taps("choice.to_list")
    assert button(somchai, house.kp7.texts(somchai.language, "paper.id_card", {"n": 1})).startswith("✓")


async def comes_to_the_desk(house: House, malee: Chat) -> None:
    """Past a question that she answers in the chat."""
    somchai, totp = await house.somebody(malee.language), await officer(house, MALEE.national_id)
    await somchai.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await somchai.taps("menu.ask_hr")
    await somchai.says("1 + 1")
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await malee.taps("menu.review")
    await proves(malee, totp)
    await malee.taps("choice.decide_answer")
    malee.sees("ask.review_words")
    await malee.says("2")
    malee.sees("review.answered")
    await malee.taps("menu.desk")
    malee.sees("ask.desk")
    await malee.taps("choice.desk_done")
    malee.sees("desk.see_you")
