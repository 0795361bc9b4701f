"""The sample papers: the same each time, and nobody's."""

import re

import pytest

from bot import thai
from samples import make_papers
from samples.paper_forms import FORMS
from tests.papers import tools


@pytest.mark.parametrize("kind", FORMS)
def test_each_says_that_it_is_one(kind: str) -> None:
    assert "SPECIMEN" in tools.text(make_papers.pdf(kind))


def test_every_id_is_an_invented_one_that_would_pass() -> None:
    told = " ".join(value for form in FORMS.values() for page in form.pages for row in page for value in row)
    numbers = re.findall(r"\d-\d{4}-\d{5}-\d{2}-\d", told)
    assert len(numbers) > 8
    for number in numbers:
        assert number.startswith("1-9999-")
        assert thai.national_id(number) == number.replace("-", "")


def test_the_same_files_each_time() -> None:
    assert make_papers.pdf("degree") == make_papers.pdf("degree")
    assert make_papers.scan("id_card") == make_papers.scan("id_card")
    assert make_papers.photo("id_card", (640, 480)) == make_papers.photo("id_card", (640, 480))
    assert make_papers.heic("id_card", (640, 480)) == make_papers.heic("id_card", (640, 480))
    assert make_papers.png("id_card") == make_papers.png("id_card")
