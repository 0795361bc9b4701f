"""Help says what the question wants, and how to reach HR (`HR_CONTACT`): every one of them."""

from pathlib import Path

from tests.cast import SOMCHAI
from tests.house import Chat, a_house

HR = "งานบุคคล 0 2123 4567"


async def _every_help(chat: Chat) -> list[str]:
    """→ what each said: at home, at the notice, at a question, at a code"""
    said = []

    async def asks(key: str) -> None:
        await chat.says("help")
        said.append(chat.sees(key).text)

    await asks("help.general")
    await chat.taps("menu.login")
    await asks("help.notice")
    await chat.taps("choice.acknowledge")
    await asks("help.national_id")
    await chat.says(SOMCHAI.national_id)
    await asks("help.code")
    return said


async def test_every_help_says_how_to_reach_hr(tmp_path: Path) -> None:
    async with a_house(tmp_path, hr_contact=HR) as house:
        for language in ("th", "en"):
            assert all(HR in text for text in await _every_help(await house.somebody(language)))


async def test_without_a_contact_nothing_is_said_of_it(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        assert not any("HR:" in text for text in await _every_help(await house.somebody("en")))
