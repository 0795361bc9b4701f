"""The numbers in the reason why a file was not taken."""

import pytest

from handlers.documents.desk import _words


@pytest.mark.parametrize(
    ("reason", "found", "limit", "told"),
    [
        ("too_many_pixels", 40_300_000, 40_000_000, (41, 40)),  # not: "40, and at most 40 can be taken"
        ("too_big", 20 * 2**20 + 1, 20 * 2**20, (21, 20)),
        ("too_many_pages", 51, 50, (51, 50)),
        ("gone", 0, 0, (0, 0)),
    ],
)
def test_what_is_too_much_is_never_told_as_much_as_may_be(
    reason: str, found: int, limit: int, told: tuple[int, int]
) -> None:
    words = _words(reason, found, limit)
    assert (words["found"], words["limit"]) == told
