"""`/f/<token>`: a picture for whoever has its address, and nothing for anybody else, in the same words."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot.links import LIVES, Links
from storage import files, holdings
from storage.folder import Folder
from storage.ids import new_id
from storage.objects import Unstored, whole
from storage.vault import Key
from tests.house import House
from tests.security.tools import rows

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40 + b"\xff\xd9"


@dataclass
class Gallery:
    house: House
    client: httpx.AsyncClient
    person: str
    key: Key

    @property
    def links(self) -> Links:
        return Links(self.house.kp7.vault.secret("pictures"))

    async def hang(self, data: bytes = JPEG) -> str:
        """→ the file's id"""
        file = await self.house.kp7.pictures._files.put(self.person, self.key, data, self.house.clock())
        async with self.house.kp7.database.write() as tx:
            assert await files.hold(tx, file.id, self.person)
        return file.id

    def address(self, id: str) -> str:
        return self.links.picture(id, self.key.id, self.house.clock())

    async def get(self, path: str, method: str = "GET") -> httpx.Response:
        return await self.client.request(method, self.house.url + path)

    async def is_not_here(self, path: str) -> None:
        found, elsewhere = await self.get(path), await self.get("/nothing")
        assert (found.status_code, found.content) == (elsewhere.status_code, elsewhere.content) == (404, b"not here")
        told, told_elsewhere = ({**answer.headers, "date": ""} for answer in (found, elsewhere))
        assert told == told_elsewhere


@pytest.fixture
async def gallery(house: House) -> AsyncIterator[Gallery]:
    person, *_ = await rows(
        house, "SELECT p.id, k.id AS key_id, k.wrapped FROM people p JOIN keys k ON k.id = p.key_id ORDER BY p.id"
    )
    key = house.kp7.vault.unwrap(person["key_id"], person["wrapped"])
    async with httpx.AsyncClient() as client:
        yield Gallery(house, client, person["id"], key)


async def test_a_picture_is_shown_and_nothing_of_it_is_kept_or_run(gallery: Gallery) -> None:
    answer = await gallery.get(gallery.address(await gallery.hang()))
    assert (answer.status_code, answer.content) == (200, JPEG)
    headers = answer.headers
    assert headers["content-type"] == "image/jpeg"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert headers["cache-control"] == "private, no-store"
    assert headers["content-disposition"] == "inline"
    assert headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in headers


async def test_its_size_can_be_asked_for(gallery: Gallery) -> None:
    answer = await gallery.get(gallery.address(await gallery.hang()), "HEAD")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", str(len(JPEG)))


async def test_it_can_only_be_looked_at(gallery: Gallery) -> None:
    address = gallery.address(await gallery.hang())
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert (await gallery.get(address, method)).status_code == 405


async def test_after_a_day_it_is_not_here(gallery: Gallery) -> None:
    address = gallery.address(await gallery.hang())
    gallery.house.clock.forward(seconds=LIVES / 1_000 - 5)
    assert (await gallery.get(address)).status_code == 200
    gallery.house.clock.forward(seconds=6)
    await gallery.is_not_here(address)


async def test_addresses_that_nobody_made(gallery: Gallery) -> None:
    made = gallery.address(await gallery.hang())
    id, key, until, mac = made.removeprefix("/f/").split(".")
    other = gallery.address(await gallery.hang()).removeprefix("/f/").split(".")
    forged = Links(b"a secret that an attacker made up").picture(id, key, gallery.house.clock())
    mails = Links(gallery.house.kp7.vault.secret("buttons")).picture(id, key, gallery.house.clock())
    for address in (
        f"/f/{id}", f"/f/{id}.{key}.{until}", f"/f/{id}.{key}.{until}.", f"/f/{other[0]}.{key}.{until}.{mac}",
        f"/f/{id}.{key}.{until}f.{mac}", f"/f/{id}.{key}.ffffffffff.{mac}", f"/f/{id}.{until}.{mac}",
        f"/f/{id}.{new_id()}.{until}.{mac}", made + "x", made + "%00", made.upper(), forged, mails, "/f/",
        "/f/..%2f..%2fkp7.db",
        f"{made}/", f"/f//{id}", "/f/%ff", "/f/" + "a" * 5_000, f"/f/{'ก' * 40}", made.replace(".", "%2E%2E"),
    ):  # fmt: skip
        await gallery.is_not_here(address)


async def test_a_picture_of_another_key_is_not_here(gallery: Gallery) -> None:
    """Whoever writes the database names a file of somebody else in a row of their own."""
    id, (_, other) = await gallery.hang(), await rows(gallery.house, "SELECT key_id FROM people ORDER BY id LIMIT 2")
    address = gallery.links.picture(id, other["key_id"], gallery.house.clock())
    await gallery.is_not_here(address)
    async with gallery.house.kp7.database.write() as tx:
        await tx.run("UPDATE files SET key_id = :key", {"key": other["key_id"]})
    await gallery.is_not_here(address)


async def test_a_file_that_is_dropped_is_not_here(gallery: Gallery) -> None:
    id = await gallery.hang()
    address = gallery.address(id)
    async with gallery.house.kp7.database.write() as tx:
        await files.drop(tx, [id], gallery.house.clock())
    await gallery.is_not_here(address)
    await gallery.is_not_here(gallery.address(new_id()))


async def test_a_picture_of_somebody_who_was_erased_is_not_here(gallery: Gallery) -> None:
    address = gallery.address(await gallery.hang())
    kp7 = gallery.house.kp7
    async with kp7.database.write() as tx:
        person = await tx.one("SELECT * FROM people WHERE id = :id", {"id": gallery.person})
        assert person
        subject = await holdings.find(tx, kp7.vault, person["id_index"])
        await holdings.delete(tx, kp7.registry.holds, subject, gallery.house.clock())
    await gallery.is_not_here(address)


@pytest.mark.parametrize("data", [b"%PDF-1.7 a paper", b"<script>alert(1)</script>", b"", b"\x89PNG\r\n", b"\xff\xd8"])
async def test_what_is_no_jpeg_is_not_here(gallery: Gallery, data: bytes) -> None:
    await gallery.is_not_here(gallery.address(await gallery.hang(data)))


async def test_bytes_that_somebody_changed_or_took_away_are_not_here(gallery: Gallery) -> None:
    id = await gallery.hang()
    folder = Folder(Path(gallery.house.settings.files_address.removeprefix("file://")))
    sealed = await whole(folder.get(id))
    await folder.put(id, sealed[:-1] + bytes([sealed[-1] ^ 1]))
    await gallery.is_not_here(gallery.address(id))
    await folder.put(id, JPEG)
    await gallery.is_not_here(gallery.address(id))
    await folder.delete(id)
    await gallery.is_not_here(gallery.address(id))


async def test_one_file_is_not_shown_in_place_of_another(gallery: Gallery) -> None:
    folder = Folder(Path(gallery.house.settings.files_address.removeprefix("file://")))
    one, other = await gallery.hang(), await gallery.hang(JPEG + b"x")
    await folder.put(one, folder.get(other))
    await gallery.is_not_here(gallery.address(one))


async def test_while_the_store_is_down_it_may_be_asked_for_again(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = gallery.address(await gallery.hang())

    def down(*_: object) -> AsyncIterator[bytes]:
        raise Unstored("the bucket does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(Folder, "get", down)
        answer = await gallery.get(address)
        assert (answer.status_code, answer.text) == (503, "busy")
        await gallery.is_not_here(address + "x")
    assert (await gallery.get(address)).status_code == 200
