"""E-mail addresses that are taken, and how they are shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import thai
from bot.events import Invalid
from tests.thai.texts import anything, code_of, unhurried


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("somchai.t@example.go.th", "somchai.t@example.go.th"),
        (" Somchai.T@Example.GO.TH\r\n", "somchai.t@example.go.th"),
        ("somchai๑๒@example.go.th", "somchai12@example.go.th"),
        ("somchai\u200b@example.go.th\ufeff", "somchai@example.go.th"),
        ("o'somchai+kp7_x-1@a-b.example.com", "o'somchai+kp7_x-1@a-b.example.com"),
        (f"{'a' * 64}@example.com", f"{'a' * 64}@example.com"),
    ],
)
def test_email(typed: str, address: str) -> None:
    assert thai.email(typed) == address


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "email_format"),
        ("somchai", "email_format"),
        ("somchai@", "email_format"),
        ("@example.com", "email_format"),
        ("somchai@example", "email_format"),
        ("somchai@@example.com", "email_format"),
        ("a@b@example.com", "email_format"),
        ("som chai@example.com", "email_format"),
        ("somchai@example.com\r\nBcc: all@example.com", "email_format"),
        ("som..chai@example.com", "email_format"),
        (".somchai@example.com", "email_format"),
        ("somchai.@example.com", "email_format"),
        ("somchai@example..com", "email_format"),
        ("somchai@-example.com", "email_format"),
        ("somchai@example.com.", "email_format"),
        ("somchai@example.c0m", "email_format"),
        ("somchai@192.0.2.1", "email_format"),
        ("somchai@[192.0.2.1]", "email_format"),
        ('"som chai"@example.com', "email_format"),
        ("<somchai@example.com>", "email_format"),
        ("-oQ/tmp@example.com", "email_format"),
        ("=cmd@example.com", "email_format"),
        ("a@example.com,b@example.com", "email_format"),
        (f"{'a' * 65}@example.com", "email_format"),
        (f"a@{'b' * 64}.com", "email_format"),
        (f"a@{'b.' * 125}com", "email_format"),
        ("a" * 100_000, "email_format"),
        ("somchai@example.\u212aom", "email_ascii"),  # Kelvin sign: lower() makes a k of it
        ("ma\u0131l@example.com", "email_ascii"),
        ("MA\u0130L@example.com", "email_ascii"),
        ("s\u043emchai@example.com", "email_ascii"),  # Cyrillic о
        ("somchai＠example.com", "email_ascii"),
        ("ｓomchai@example.com", "email_ascii"),
        ("somchai２@example.com", "email_ascii"),
        ("สมชาย@example.com", "email_ascii"),
        ("somchai@xn--e1awd7f.com", "email_ascii"),
        ("\udcffsomchai@exa\u0301mple.com", "email_ascii"),
    ],
)
def test_what_is_no_email(typed: str, code: str) -> None:
    assert code_of(lambda: thai.email(typed)) == code


@unhurried
@given(anything | st.from_regex(r"\A[^@\n]{0,70}@[^@\n]{0,70}\Z"))
def test_an_accepted_email_is_safe_anywhere(text: str) -> None:
    try:
        address = thai.email(text)
    except Invalid:
        return
    assert thai.email(address) == address
    assert address.isascii()
    assert address.isprintable()
    assert not set(address) & set(' "\\<>,;:()[]\r\n')
    assert address[0].isalnum() or address[0] == "_"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("abcporn.j@ocsc.go.th", "XXXporn.j@ocsc.go.th"),  # as in letter นร ๑๐๑๓.๓/๒๑๖
        ("malee@example.go.th", "XXXee@example.go.th"),
        ("abc@example.go.th", "XXX@example.go.th"),
        ("a@example.go.th", "XXX@example.go.th"),
        ("", "XXX"),
        ("broken", "XXXken"),
    ],
)
def test_mask_email(address: str, shown: str) -> None:
    assert thai.mask_email(address) == shown
