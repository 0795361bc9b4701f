"""How well certificates are read: `python -m bench.certificates [--rounds N] [--photos N]`.

Of invented ones (`samples/certificate_forms.py`), as each program writes them, and of photos where tesseract is on the
PATH: how often each field is right and certain, right and proposed, not read, wrong but only proposed, and wrong and
certain, which must never be. Without the names of the courses, and with them.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from bot import thai
from bot.events import LANGUAGES
from bot.papers.room import Papers
from bot.papers.shapes import Bound, Photo, Text
from handlers.learning.reading import Found, Holder, Read, read
from handlers.learning.rounds import ROUND_1_2567
from samples.certificate_forms import COURSES, Certificate, grid
from samples.make_certificates import MAKERS, makers, photo

FIELDS = ("name", "course", "passed_on", "channel")
OUTCOMES = ("certain", "proposed", "not read", "wrong", "wrong, certain")
TODAY = date(2024, 7, 1)
KNOWN = tuple(
    name.replace("\n", " " if language == "en" else "") for language in LANGUAGES for name in COURSES[language]
)


def judged(certificate: Certificate, found: Found) -> Iterator[tuple[str, str]]:
    """(field, outcome) of each."""
    yield "name", _outcome(found.name, found.name.verdict == "same", found.name.verdict is None)
    for field, right in (
        ("course", thai.words_key(found.course.value or "") == thai.words_key(certificate.plain_course)),
        ("passed_on", found.passed_on.value == certificate.passed_on),
        ("channel", found.channel.value == certificate.channel),
    ):
        value = getattr(found, field)
        yield field, _outcome(value, right, value.value is None)


def _outcome(value: Holder | Read[str] | Read[date], right: bool, missing: bool) -> str:
    if missing:
        return "not read"
    if right:
        return value.sure
    return "wrong, certain" if value.sure == "certain" else "wrong"


class Tally:
    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.seconds: list[float] = []
        self.faults: list[str] = []

    async def add(self, papers: Papers, certificate: Certificate, pdf: bytes, known: Sequence[str]) -> None:
        start = time.perf_counter()
        text = await papers.text(pdf)
        self.seconds.append(time.perf_counter() - start)
        assert isinstance(text, Text), text
        found = read(text, (certificate.owner,), ROUND_1_2567, TODAY, known)
        for field, outcome in judged(certificate, found):
            self.counts[field, outcome] += 1
            if outcome not in ("certain", "proposed"):
                self.faults.append(f"{field}: {outcome}: {getattr(found, field)} of {certificate} in {text.lines}")

    def right(self) -> float:
        total = sum(self.counts.values())
        return (
            sum(self.counts[field, outcome] for field in FIELDS for outcome in OUTCOMES[:2]) / total if total else 1.0
        )

    def wrong_and_certain(self) -> int:
        return sum(self.counts[field, OUTCOMES[-1]] for field in FIELDS)

    def rows(self, name: str) -> Iterator[str]:
        for field in FIELDS:
            yield f"| {name} | {field} | " + " | ".join(str(self.counts[field, one]) for one in OUTCOMES) + " |"


async def photographed(papers: Papers, pdf: bytes) -> bytes:
    page = await papers.page(photo(pdf))
    assert isinstance(page, Photo)
    bound = await papers.bind([page.jpeg])
    assert isinstance(bound, Bound)
    return bound.pdf


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.certificates")
    parser.add_argument("--rounds", type=int, default=2, help="of the grid of channels, languages and dates (2)")
    parser.add_argument("--photos", type=int, default=30, help="how many are photographed (30)")
    parser.add_argument("--faults", action="store_true", help="print what was not read, or wrong")
    options = parser.parse_args()
    papers = Papers(ocr="tesseract")
    certificates = [one for language in LANGUAGES for one in grid(language, options.rounds)]
    print(f"| {len(certificates)} by | field | " + " | ".join(OUTCOMES) + " |\n|---|---|" + "---|" * len(OUTCOMES))
    every = Tally()
    for maker in makers():
        tally = Tally()
        for number, (one, pdf) in enumerate(zip(certificates, MAKERS[maker](certificates), strict=True)):
            await tally.add(papers, one, pdf, KNOWN if number % 2 else ())
        every.counts += tally.counts
        every.seconds += tally.seconds
        _print(tally, maker, options.faults)
    photos = Tally()
    chosen = certificates[:: max(1, len(certificates) // options.photos)][: options.photos] if options.photos else []
    for one, pdf in zip(chosen, MAKERS["fpdf2"](chosen), strict=True):
        await photos.add(papers, one, await photographed(papers, pdf), KNOWN)
    _print(photos, "photos", options.faults)
    print(f"\nwith text: {every.right():.1%} of fields right; photos: {photos.right():.1%}")
    print(f"seconds: {statistics.median(every.seconds):.2f}; a photo: {statistics.median(photos.seconds or [0]):.2f}")
    return 1 if every.wrong_and_certain() + photos.wrong_and_certain() else 0


def _print(tally: Tally, name: str, faults: bool) -> None:
    print("\n".join(tally.rows(name)), flush=True)
    if faults:
        print("\n".join(tally.faults), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
