"""Between words and the engine."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import Press
from bot.flow import Chosen, Conversation, Shown
from bot.screen import Buttons, dump, load, understand
from bot.text import Texts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "frames": st.lists(
        st.fixed_dictionaries(
            {
                "flow": st.text(max_size=3) | JSON,
                "args": st.dictionaries(st.text(max_size=3), JSON, max_size=2) | JSON,
                "results": st.dictionaries(st.text(max_size=3), JSON, max_size=2) | JSON,
                "asked": st.text(max_size=3) | JSON,
                "attempt": st.text(max_size=3) | JSON,
                "waiting": st.text(max_size=3) | JSON,
            }
        ),
        max_size=2,
    ),
    "turn": st.integers() | JSON,
    "seen": st.integers() | JSON,
    "shown": st.fixed_dictionaries(
        {
            "turn": st.integers() | JSON,
            "values": st.lists(st.text(max_size=3), max_size=2) | JSON,
            "digest": st.text(max_size=3) | JSON,
            "labels": st.lists(st.text(max_size=3), max_size=2) | JSON,
        }
    ),
}


def well_formed(convo: Conversation) -> bool:
    """Every part is of the type that the engine reckons with."""
    s = convo.shown
    return (
        all(type(n) is int for n in (convo.turn, convo.seen, s.turn))
        and all(isinstance(t, str) for t in (*s.values, *s.labels, s.digest))
        and all(
            all(isinstance(t, str) for t in (f.flow, f.asked, f.waiting, f.attempt))
            and isinstance(f.args, dict)
            and isinstance(f.results, dict)
            for f in convo.frames
        )
    )


@given(JSON | st.fixed_dictionaries(FIELDS))
def test_whatever_lies_in_the_store_loads_as_a_sound_conversation(stored: Any) -> None:
    convo = load(stored)
    assert well_formed(convo)
    assert load(json.loads(json.dumps(dump(convo)))) == convo


@pytest.mark.parametrize(
    "token", ["", ".", "..", "c", "c1.0", "c1.0.", "cx.y.z", "c" + "f" * 5_000 + ".0.x", "c1.-1.ก"]
)
def test_a_forged_token_is_an_old_button(token: str) -> None:
    convo = Conversation(turn=1, shown=Shown(1, ("save",), labels=("Save",)))
    assert understand(Press(token), "somchai", convo, Buttons(b"secret" * 6), Texts(), {}) == Chosen("", -1)
