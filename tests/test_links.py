"""Addresses that are good for a while: only what was made here leads anywhere, and not for longer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.links import LIVES, LONGEST, PREFIX, Links
from storage.ids import new_id

NOW = 1_800_000_000_000
LINKS = Links(b"a secret of thirty-two bytes or so")
ID, KEY = "01m7ztdg4waxtabgfnvkknqkjh", "01m7ztdg5f2c3k6d9q0v8r1xwe"


def token(id: str = ID, links: Links = LINKS, now: int = NOW) -> str:
    return links.picture(id, KEY, now).removeprefix(PREFIX)


def test_an_address_says_which_picture_until_a_day_is_over() -> None:
    made = token()
    assert LINKS.read(made, NOW) == LINKS.read(made, NOW + LIVES - 1_000) == (ID, KEY)
    assert LINKS.read(made, NOW + LIVES) is None
    assert len(made) <= LONGEST
    assert made.replace(".", "").replace("-", "").replace("_", "").isalnum()


def test_another_secret_signs_nothing_here() -> None:
    assert LINKS.read(token(links=Links(b"another secret of thirty-two bytes")), NOW) is None


def test_each_part_is_bound_to_the_others() -> None:
    id, key, until, mac = token().split(".")
    later = f"{int(until, 16) + 86_400:x}"
    others = token(new_id()).split(".")
    for forged in (
        (others[0], key, until, mac), (id, new_id(), until, mac), (key, id, until, mac), (id, key, later, mac),
        (id, key, until, others[3]), (id, key, f"0{until}", mac), (id, until, mac),
    ):  # fmt: skip
        assert LINKS.read(".".join(forged), NOW) is None
    assert LINKS.read(f"{id}.{key}.{until}.{mac}", NOW) == (ID, KEY)


@given(st.integers(0, 120), st.characters(codec="utf-8"))
def test_no_character_can_be_changed(at: int, char: str) -> None:
    made = token()
    at %= len(made)
    changed = made[:at] + char + made[at + 1 :]
    assert LINKS.read(changed, NOW) == ((ID, KEY) if changed == made else None)


@pytest.mark.parametrize(
    "made_up",
    ["", ".", "..", "...", "x", f"{ID}..", "ก.1.x", "a" * 5_000, f"{ID}.{KEY}.{'f' * 12}.{'A' * 32}", "\x00.0.\x00"],
)
def test_what_nobody_made_means_nothing(made_up: str) -> None:
    assert LINKS.read(made_up, NOW) is None


@given(st.text())
def test_whatever_is_asked_for_is_refused_quietly(asked: str) -> None:
    assert LINKS.read(asked, NOW) is None
    assert LINKS.read(f"{token()}{asked}", NOW) == (None if asked else (ID, KEY))
