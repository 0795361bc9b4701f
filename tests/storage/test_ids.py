"""Ids sort by time and are never given twice."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from storage import ids
from storage.ids import new_id, time_of


def test_later_ids_sort_later() -> None:
    made = [new_id() for _ in range(5_000)]
    assert made == sorted(made)
    assert len(set(made)) == 5_000
    assert {len(id) for id in made} == {26}


def test_threads_never_get_the_same_id() -> None:
    with ThreadPoolExecutor(8) as pool:
        lots = list(pool.map(lambda _: [new_id() for _ in range(1_000)], range(8)))
    assert all(lot == sorted(lot) for lot in lots)
    assert len({id for lot in lots for id in lot}) == 8_000


def test_a_clock_that_is_set_back_does_not_break_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "_last", ids._last)  # what is moved here is put back
    before = new_id()
    monkeypatch.setattr("storage.ids.time.time", lambda: 1_000_000.0)
    later = [new_id() for _ in range(100)]
    assert [before, *later] == sorted([before, *later])


def test_an_id_knows_when_it_was_made() -> None:
    before = int(time.time() * 1000)
    made = time_of(new_id())
    assert before <= made <= int(time.time() * 1000) + 1


@pytest.mark.parametrize("text", ["", "x", "0" * 25, "0" * 27, "!" * 26, "ก" * 26, "iloU" * 7])
def test_what_is_no_id_was_made_never(text: str) -> None:
    assert time_of(text) == 0
