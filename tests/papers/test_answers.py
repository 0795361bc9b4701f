"""A child that was taken over may say anything: only shapes and sizes that could be are believed."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from bot.papers import answers, wire
from bot.papers.shapes import LIMITS, Limits, Paper, Reason, Refusal, Sheet

PDF, JPEG = b"%PDF-1.7 ...", b"\xff\xd8\xff ..."
GOOD: dict[str, Any] = {"pages": [[595.28, 841.89, True]], "repaired": False}


def weighed(words: dict[str, Any], blobs: list[bytes]) -> Paper:
    return answers.paper(wire.pack(words, blobs), b"what came in", LIMITS)


def test_what_could_be_is_believed() -> None:
    assert weighed(GOOD, [PDF, JPEG]).sheets == (Sheet(595.28, 841.89, True),)


@pytest.mark.parametrize(
    "change",
    [
        {"pages": []},
        {"pages": None},
        {"pages": {"0": 1}},
        {"pages": [[595.28, 841.89, 1]]},
        {"pages": [[595.28, 841.89]]},
        {"pages": [[-1, 841.89, True]]},
        {"pages": [[1e300, 841.89, True]]},
        {"pages": [["595", 841.89, True]]},
        {"pages": [[True, 841.89, True]]},
        {"pages": [[595.28, 841.89, True]] * 51},
    ],
)
def test_pages_that_cannot_be(change: dict[str, Any]) -> None:
    with pytest.raises(wire.Nonsense):
        weighed({**GOOD, **change}, [PDF, JPEG])


@pytest.mark.parametrize(
    "blobs",
    [[], [PDF], [PDF, JPEG, JPEG], [JPEG, PDF], [b"<html>", JPEG], [PDF, b"<svg>"], [PDF + bytes(LIMITS.bytes), JPEG]],
)
def test_files_that_are_not_what_they_should_be(blobs: list[bytes]) -> None:
    with pytest.raises(wire.Nonsense):
        weighed(GOOD, blobs)


def test_a_doubt_is_a_hint() -> None:
    assert weighed({**GOOD, "repaired": "no"}, [PDF, JPEG]).repaired


@pytest.mark.parametrize(
    "words",
    [
        {"refused": "because"},
        {"refused": ["locked"]},
        {"refused": "locked", "found": -1, "limit": 0},
        {"refused": "locked", "found": "1", "limit": 0},
        {"refused": "locked", "found": 10**30, "limit": 0},
        {"refused": "locked"},
    ],
)
def test_refusals_that_cannot_be(words: dict[str, Any]) -> None:
    with pytest.raises(wire.Nonsense):
        weighed(words, [])


@pytest.mark.parametrize(("fault", "why"), [("KeyError", "KeyError"), ("a\nline", ""), (7, ""), ("x" * 99, "")])
def test_only_a_name_gets_into_the_log(fault: object, why: str) -> None:
    with pytest.raises(Refusal) as refusal:
        weighed({"refused": "unreadable", "found": 0, "limit": 0, "fault": fault}, [])
    assert (refusal.value.refused.reason, refusal.value.why) == (Reason.UNREADABLE, why)


def test_the_hash_is_ours() -> None:
    assert weighed({**GOOD, "sha256": "0" * 64}, [PDF, JPEG]).sha256 == hashlib.sha256(b"what came in").hexdigest()


def searched(pages: Any, blobs: list[bytes]) -> list[bool | bytes | None]:
    return answers.searched(wire.pack({"pages": pages}, blobs), LIMITS)


def test_pages_that_were_searched() -> None:
    assert searched([True, False, None, False], [b"\x89PNG1", b"\x89PNG2"]) == [True, b"\x89PNG1", None, b"\x89PNG2"]


@pytest.mark.parametrize(
    ("pages", "blobs"),
    [
        ([], []),
        ([1], []),
        (["yes"], []),
        ([False], []),
        ([True], [b"\x89PNG1"]),
        ([False], [JPEG]),
        ([False] * 11, [b"\x89PNG1"] * 11),
        ([None] * 51, []),
    ],
)
def test_pages_that_nobody_searched_like_this(pages: Any, blobs: list[bytes]) -> None:
    with pytest.raises(wire.Nonsense):
        searched(pages, blobs)


@pytest.mark.parametrize(("weigh", "good"), [(answers.drawn, b"\x89PNG ..."), (answers.typeset, PDF)])
def test_what_was_drawn_or_set_is_one_file_of_its_kind(weigh: Callable[[bytes, Limits], bytes], good: bytes) -> None:
    assert weigh(wire.pack({}, [good]), LIMITS) == good
    for blobs in ([], [good, good], [b"<svg>"], [good + bytes(LIMITS.bytes)]):
        with pytest.raises(wire.Nonsense):
            weigh(wire.pack({}, blobs), LIMITS)
