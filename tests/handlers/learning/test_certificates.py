"""Sixty certificates by the programs that people's certificates come from: read as they should be."""

import pytest

from bench.certificates import FIELDS, KNOWN, Tally
from bot.events import LANGUAGES
from samples.certificate_forms import Certificate, grid
from samples.make_certificates import MAKERS, makers
from tests.papers.test_look import a_room

EACH = 12


def chosen() -> list[Certificate]:
    """Of each language half; every channel, every form of a date or nearly."""
    return [one for language in LANGUAGES for one in grid(language)[1 :: 3 + (language == "th")][: EACH // 2]]


@pytest.fixture(scope="module")
def made() -> dict[str, list[bytes]]:
    return {maker: MAKERS[maker](chosen()) for maker in makers()}


@pytest.mark.parametrize("known", [False, True], ids=["no course known", "courses known"])
@pytest.mark.parametrize("maker", MAKERS)
async def test_what_certificates_say(maker: str, known: bool, made: dict[str, list[bytes]]) -> None:
    if maker not in made:
        pytest.skip("no chromium or google-chrome on the PATH")
    tally = Tally()
    for certificate, pdf in zip(chosen(), made[maker], strict=True):
        await tally.add(a_room(), certificate, pdf, KNOWN if known else ())
    assert tally.wrong_and_certain() == 0, tally.faults
    assert tally.right() >= 0.95, tally.faults
    if known:
        assert tally.counts["course", "certain"] >= EACH // 2
    assert sum(tally.counts[field, "certain"] for field in FIELDS if field != "course") >= 3 * EACH * 0.8
