"""The web server against hand-made requests: never a 5xx, never a state change, headers on everything."""

import pytest

from tests.house import House

HEADERS = ("content-security-policy", "x-content-type-options", "x-frame-options", "referrer-policy", "cache-control")


@pytest.mark.parametrize("slot", ["0", "7", "9" * 20, "9" * 5_000])
async def test_no_such_slot(house: House, slot: str) -> None:
    chat = await house.somebody()
    url = f"{house.url}/chat/people/{slot}/messages"
    response = await chat.client.post(url, json={"id": "abcdefgh", "text": "x"})
    assert response.status_code == 404
    assert all(name in response.headers for name in HEADERS)


@pytest.mark.parametrize("path", ["/chat/", "/chat/static", "/healthz/"])
async def test_host_header_leads_nowhere(house: House, path: str) -> None:
    chat = await house.somebody()
    response = await chat.client.get(house.url + path, headers={"host": "evil.example"})
    assert "evil.example" not in response.headers.get("location", "")
