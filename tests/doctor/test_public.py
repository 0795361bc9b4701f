"""PUBLIC_URL: led to us, led elsewhere, led nowhere."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from bot.doctor import clock, public
from bot.doctor.finding import Case
from tests.certificates import Authority
from tests.doctor.patients import case, is_well, the_fault
from tests.house import KEY, House
from tests.served import free_port


def at(house: House, folder: Path, url: str = "", **settings: Any) -> Case:
    return case(folder, master_key=KEY, public_url=url or house.url, port=house.settings.port, **settings)


@asynccontextmanager
async def a_site(answer: Callable[[web.Request], Awaitable[web.StreamResponse]], tls: Any = None) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def passes_on_to(house: House, *, forwarded: bool = True) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A proxy that collects an answer before it passes it on, and says for whom it asks, or not."""

    async def answer(request: web.Request) -> web.StreamResponse:
        headers = {"host": "127.0.0.1", **({"x-forwarded-for": "203.0.113.9"} if forwarded else {})}
        cookie = request.headers.get("cookie")
        async with (
            ClientSession(headers={**headers, **({"cookie": cookie} if cookie else {})}) as session,
            session.get(house.url + request.path_qs) as got,
        ):
            kept = {name: got.headers[name] for name in ("date", "set-cookie", "content-type") if name in got.headers}
            return web.Response(status=got.status, body=await got.read(), headers=kept)

    return answer


async def test_it_leads_to_us(house: House, tmp_path: Path) -> None:
    said = await is_well(public.look, at(house, tmp_path, metrics_public=True))
    assert "PUBLIC_URL leads to this KP7" in said
    assert "Live messages of the web chat come through" in said


async def test_the_clock_of_who_answers(house: House, tmp_path: Path) -> None:
    assert "The clock agrees with the clock of PUBLIC_URL" in await is_well(clock.look, at(house, tmp_path))


async def test_a_clock_that_is_off(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(headers={"date": "Sat, 21 Nov 2020 09:00:00 GMT"})

    async with a_site(answer) as port:
        fault = await the_fault(clock.look, case(tmp_path, public_url=f"http://127.0.0.1:{port}"))
    assert fault.level == "wrong"
    assert "ahead of the clock of PUBLIC_URL" in fault.says
    assert "timedatectl" in fault.mend


async def test_it_leads_to_another_offices_kp7(house: House, tmp_path: Path) -> None:
    fault = await the_fault(public.look, case(tmp_path, public_url=house.url))  # with another MASTER_KEY
    assert "something other than this KP7" in fault.says


@pytest.mark.parametrize(
    ("status", "headers", "says"),
    [
        (200, {}, "answered (200) by something other"),
        (404, {}, "answered (404) by something other"),
        (502, {}, "The reverse proxy answers 502: it does not reach KP7"),
        (301, {"location": "https://www.example.go.th/"}, "redirects elsewhere (301)"),
    ],
)
async def test_it_leads_elsewhere(tmp_path: Path, status: int, headers: dict[str, str], says: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers, text='{"proof": 7}')

    async with a_site(answer) as port:
        fault = await the_fault(public.look, case(tmp_path, public_url=f"http://127.0.0.1:{port}"))
    assert fault.level == "wrong"
    assert says in fault.says


async def test_it_leads_nowhere(tmp_path: Path) -> None:
    fault = await the_fault(public.look, case(tmp_path, public_url=f"http://127.0.0.1:{free_port()}"))
    assert "nothing listens there" in fault.says
    assert "/etc/hosts" in fault.mend


async def test_a_proxy_that_collects_and_one_that_shows_the_metrics(
    house: House, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(public, "FIRST_EVENT_SECONDS", 0.5)
    async with a_site(passes_on_to(house)) as port:
        fault = await the_fault(public.look, at(house, tmp_path, f"http://127.0.0.1:{port}"))
        assert "holds back the web chat's live messages" in fault.says
        assert "proxy_buffering off" in fault.mend
    async with a_site(passes_on_to(house, forwarded=False)) as port:
        fault = await the_fault(public.look, at(house, tmp_path, f"http://127.0.0.1:{port}", web_chat=False))
        assert "Everybody can read PUBLIC_URL/metrics" in fault.says


@pytest.mark.parametrize(("days", "level"), [(7.5, "warning"), (1.5, "wrong")])
async def test_a_certificate_that_ends_soon(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: float, level: str
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    async with a_site(passes_on_to(house), authority.issue(days)) as port:
        fault = await the_fault(public.look, at(house, tmp_path, f"https://localhost:{port}", web_chat=False))
    assert (fault.level, fault.says) == (level, f"The certificate of PUBLIC_URL ends in {int(days)} days.")


async def test_a_certificate_that_is_good(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    async with a_site(passes_on_to(house), authority.issue()) as port:
        await is_well(public.look, at(house, tmp_path, f"https://localhost:{port}", web_chat=False))


async def test_a_certificate_that_nobody_knows(house: House, tmp_path: Path) -> None:
    async with a_site(passes_on_to(house), Authority(tmp_path).issue()) as port:
        fault = await the_fault(public.look, at(house, tmp_path, f"https://localhost:{port}"))
    assert "its certificate is not trusted" in fault.says


async def test_a_nonce_of_another_shape_is_not_signed(house: House) -> None:
    async with ClientSession() as session:
        for nonce in ("", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "%0a" * 32):
            async with session.get(f"{house.url}/healthz?nonce={nonce}") as answer:
                assert await answer.json() == {"status": "ok"}
        async with session.get(f"{house.url}/healthz?nonce={'a' * 32}") as answer:
            assert len((await answer.json())["proof"]) == 64
