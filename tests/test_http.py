"""Which pages are our own."""

import pytest
from starlette.requests import Request

from bot.http import same_origin

OURS = "https://kp7.example.go.th"


def sent(**headers: str) -> Request:
    named = {"host": "kp7.example.go.th"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Request({"type": "http", "headers": [(name.encode(), value.encode()) for name, value in named.items()]})


@pytest.mark.parametrize(
    ("address", "origin", "ours"),
    [
        (OURS, OURS, True),
        (OURS, "http://kp7.example.go.th", False),  # whoever answers there without TLS is not us
        (OURS, "null", False),
        (OURS, "https://kp7.example.go.th.evil.example", False),
        ("HTTPS://KP7.example.go.th", OURS, True),  # as an operator wrote it
        ("http://127.0.0.1:8080", "http://kp7.example.go.th", True),  # a demo, reached by another name
        ("http://127.0.0.1:8080", OURS, False),
    ],
)
def test_the_origin_is_ours_scheme_and_all(address: str, origin: str, ours: bool) -> None:
    assert same_origin(sent(origin=origin), address) is ours


def test_what_the_browser_says_of_the_site_counts_first() -> None:
    assert same_origin(sent(sec_fetch_site="same-origin"), OURS)
    assert not same_origin(sent(sec_fetch_site="cross-site", origin=OURS), OURS)
    assert same_origin(sent(), OURS)
