"""The page on which Malee sets up her second factor, and a browser to open it with."""

import base64
import html
import io
import re
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyotp
import zxingcpp
from PIL import Image

from tests.cast import MALEE
from tests.house import Chat, House
from tests.officers import grant

NOBODYS = "/officer/" + "x" * 43


async def malee_with_a_link(house: House, language: str = "th") -> tuple[Chat, str]:
    """An officer at the question that leads to the page. → her chat, and the path"""
    await grant(house, MALEE.national_id)
    malee = await house.somebody(language)
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await malee.says("second factor")
    return malee, link_on(malee)


def link_on(chat: Chat) -> str:
    """Where the button on the screen leads."""
    chat.sees("ask.set_up_factor")
    (address,) = {button["link"] for button in chat.screen["buttons"] if button.get("link")}
    return urlsplit(str(address)).path


class Browser:
    def __init__(self, house: House, language: str = "th") -> None:
        self.house = house
        self.client = httpx.AsyncClient(headers={"accept-language": language}, base_url=house.url, timeout=20)

    async def __aenter__(self) -> "Browser":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def opens(self, path: str) -> pyotp.TOTP:
        """Presses the button. → the authenticator that has read the picture"""
        assert (await self.client.post(path)).status_code == 303
        return await self.looks(path)

    async def looks(self, path: str) -> pyotp.TOTP:
        page = await self.client.get(path)
        assert page.status_code == 200
        return scanned(page.text)

    async def confirms(self, path: str, code: str, **headers: str) -> httpx.Response:
        return await self.client.post(f"{path}/confirm", json={"code": code}, headers=headers)

    def code(self, totp: pyotp.TOTP, seconds: int = 0) -> str:
        return totp.at(self.house.clock() // 1000 + seconds)

    async def is_refused(self, path: str) -> None:
        """Byte for byte what somebody gets who made the address up."""
        for method, ending, body in (("GET", "", None), ("POST", "", None), ("POST", "/confirm", {"code": "123456"})):
            made: list[Any] = []
            for each in (path, NOBODYS):
                answer = await self.client.request(method, f"{each}{ending}", json=body)
                made.append((answer.status_code, answer.content, {**answer.headers, "date": ""}))
            assert made[0] == made[1]
            assert made[0][0] == 404


def scanned(page: str) -> pyotp.TOTP:
    """What a telephone makes of the picture; it is what stands below it, too."""
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(base64.b64decode(data))))
    (address,) = re.findall(r'href="(otpauth:[^"]+)"', page)
    assert found.text == html.unescape(address)
    totp = pyotp.parse_uri(found.text)
    assert isinstance(totp, pyotp.TOTP)
    (letters,) = re.findall(r'class="secret"[^>]*>([^<]+)<', page)
    assert re.fullmatch("([A-Z2-7]{4} ){7}[A-Z2-7]{4}", letters)
    assert letters.replace(" ", "") == totp.secret
    assert (totp.digits, totp.interval, totp.issuer) == (6, 30, "KP7")
    return totp
