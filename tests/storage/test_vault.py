"""Nothing personal stands anywhere in plain text, and what is sealed stays in its place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.vault import Key, Keyring, Tampered, Vault

VAULT = Vault(b"a master key that is used in tests only")
KEY, WRAPPED = VAULT.new_key()
HERE = ("people", "1", "profile")
SECRET = {"national_id": "1999900000013", "name": "สมชาย ทดสอบ"}

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
def test_what_was_sealed_opens_in_its_place(value: Any) -> None:
    assert KEY.open(KEY.seal(value, *HERE), *HERE) == value


def test_what_is_sealed_shows_nothing_and_never_looks_the_same() -> None:
    first, second = KEY.seal(SECRET, *HERE), KEY.seal(SECRET, *HERE)
    assert first != second
    assert "1999900000013" not in first
    assert json.dumps(SECRET) not in first


@pytest.mark.parametrize(
    "place",
    [
        ("people", "2", "profile"),
        ("people", "1", "contact"),
        ("emails", "1", "profile"),
        ("people", "1"),
        ("people", "1p", "rofile"),
    ],
)
def test_a_value_moved_elsewhere_does_not_open(place: tuple[str, ...]) -> None:
    with pytest.raises(Tampered):
        KEY.open(KEY.seal(SECRET, *HERE), *place)


def test_no_place_can_be_written_as_another() -> None:
    """Where one part ends and the next begins cannot be shifted."""
    with pytest.raises(Tampered):
        KEY.open(KEY.seal(SECRET, "a", "bc", "d"), "ab", "c", "d")


@given(st.integers(0, 10_000), st.sampled_from("AZaz09-_.=!ก"))
def test_an_edited_value_does_not_open(place: int, char: str) -> None:
    sealed = KEY.seal(SECRET, *HERE)
    place %= len(sealed) - 1  # the last character has unused bits
    edited = sealed[:place] + char + sealed[place + 1 :]
    if edited != sealed:
        with pytest.raises(Tampered):
            KEY.open(edited, *HERE)


@pytest.mark.parametrize(
    "sealed",
    ["", ".", "..", "1", f"1.{KEY.id}", f"1.{KEY.id}.", f"1.{KEY.id}.x", f"2.{KEY.id}.xxxx"],
    ids=range(8),  # the key is another one in every worker
)
def test_what_was_never_sealed_does_not_open(sealed: str) -> None:
    with pytest.raises(Tampered):
        KEY.open(sealed, *HERE)
    with pytest.raises(Tampered):
        Keyring(KEY).open(sealed, *HERE)


def test_another_persons_key_does_not_open_it() -> None:
    other, _ = VAULT.new_key()
    sealed = KEY.seal(SECRET, *HERE)
    for ring in (other, Keyring(other), Keyring(None), Keyring(None, other), Key(KEY.id, b"x" * 32)):
        with pytest.raises(Tampered):
            ring.open(sealed, *HERE)
    assert Keyring(None, other, KEY).open(sealed, *HERE) == SECRET


def test_a_key_comes_out_of_the_database_only_under_its_own_name_and_master() -> None:
    sealed = KEY.seal(SECRET, *HERE)
    assert VAULT.unwrap(KEY.id, WRAPPED).open(sealed, *HERE) == SECRET
    other, other_wrapped = VAULT.new_key()
    with pytest.raises(Tampered):
        VAULT.unwrap(KEY.id, other_wrapped)
    with pytest.raises(Tampered):
        VAULT.unwrap(other.id, WRAPPED)
    with pytest.raises(Tampered):
        Vault(b"another master key, of another house").unwrap(KEY.id, WRAPPED)


@pytest.mark.parametrize("wrapped", ["", "x", "!!!", "AAAA", WRAPPED[:-8], WRAPPED + "AAAA"], ids=range(6))
def test_a_spoilt_key_is_tampered_with(wrapped: str) -> None:
    with pytest.raises(Tampered):
        VAULT.unwrap(KEY.id, wrapped)


def test_keys_of_joined_rows() -> None:
    row = {"chat_key_id": KEY.id, "chat_wrapped": WRAPPED, "person_key_id": None, "person_wrapped": None}
    key = VAULT.key_of(row, "chat_")
    assert key is not None
    assert key.id == KEY.id
    assert VAULT.key_of(row, "person_") is None


def test_the_blind_index_is_steady_and_tells_kinds_masters_and_values_apart() -> None:
    index = VAULT.index("national_id", "1999900000013")
    assert index == Vault(b"a master key that is used in tests only").index("national_id", "1999900000013")
    others = {
        VAULT.index("email", "1999900000013"),
        VAULT.index("national_id", "1999900000021"),
        VAULT.index("national_id1", "999900000013"),
        Vault(b"another master key, of another house").index("national_id", "1999900000013"),
    }
    assert len(others) == 4
    assert index not in others
    assert "19999" not in index


def test_each_use_has_a_secret_of_its_own() -> None:
    assert len({VAULT.secret("buttons"), VAULT.secret("codes"), VAULT.secret("")}) == 3


def test_a_short_master_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(b"x" * 31)


def test_neither_vault_nor_key_shows_its_secret() -> None:
    assert "master key" not in f"{VAULT!r} {VAULT}"
    assert "x" * 32 not in f"{Key('id', b'x' * 32)!r}"


@pytest.mark.parametrize("value", [b"\xff", 7, 1.5, None, "", "1.", "1.x.y", "\ud800"])
def test_whatever_else_stands_there_is_no_sealed_value_and_no_key(value: Any) -> None:
    key, _ = VAULT.new_key()
    for opening in (key.open, Keyring(key).open):
        with pytest.raises(Tampered):
            opening(value, "people", "1", "profile")
    with pytest.raises(Tampered):
        VAULT.unwrap("1", value)
