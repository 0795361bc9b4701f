"""The reverse proxies of deploy/, started as they stand there, in front of a real KP7."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot.channels.line.fake_console import delivery_headers
from bot.doctor import public
from bot.doctor.finding import Case
from tests.certificates import Authority
from tests.house import LINE_SECRET, House, a_house
from tests.served import ROOT, free_port

NAME = "kp7.example.go.th"


@dataclass(frozen=True)
class Place:
    """Where a proxy is started for a test."""

    folder: Path
    authority: Authority
    https: int
    http: int
    upstream: int


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """Every change must find something: else the file is no longer what is tested."""
    for pattern, new in changes:
        text, count = re.subn(pattern, new, text)
        assert count, f"{pattern} is not in the file"
    return text


def nginx(place: Place) -> tuple[str, ...]:
    site = replaced(
        (ROOT / "deploy/nginx.conf").read_text("utf-8"),
        (r"listen 80;\n    listen \[::\]:80;", f"listen 127.0.0.1:{place.http};"),
        (r"listen 443 ssl http2;\n    listen \[::\]:443 ssl http2;", f"listen 127.0.0.1:{place.https} ssl http2;"),
        (re.escape(NAME) + ";", "localhost;"),
        (r"ssl_certificate /\S+;", f"ssl_certificate {place.authority.certificate};"),
        (r"ssl_certificate_key /\S+;", f"ssl_certificate_key {place.authority.key};"),
        (r"127\.0\.0\.1:8080", f"127.0.0.1:{place.upstream}"),
    )
    bodies = " ".join(
        f"{kind}_temp_path {place.folder / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = (
        f"daemon off; master_process off; pid {place.folder}/pid; error_log stderr warn;\n"
        f"events {{}}\nhttp {{ {bodies}\n{site}\n}}\n"
    )
    (place.folder / "nginx.conf").write_text(main, "utf-8")
    return ("nginx", "-p", str(place.folder), "-e", "stderr", "-c", str(place.folder / "nginx.conf"))


def caddy(place: Place) -> tuple[str, ...]:
    config = replaced(
        (ROOT / "deploy/Caddyfile").read_text("utf-8"),
        (r"\{\n\tservers", "{\n\tadmin off\n\tauto_https off\n\tservers"),
        (re.escape(NAME) + r" \{", f"https://localhost:{place.https} {{\n\tbind 127.0.0.1\n"
         f"\ttls {place.authority.certificate} {place.authority.key}"),
    )  # fmt: skip
    (place.folder / "Caddyfile").write_text(config, "utf-8")
    return ("caddy", "run", "--adapter", "caddyfile", "--config", str(place.folder / "Caddyfile"))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path, channel="line", samples=False, web_chat=True) as house:
        yield house


@contextmanager
def running(command: Callable[[Place], tuple[str, ...]], house: House, folder: Path) -> Iterator[Place]:
    folder.mkdir()
    authority = Authority(folder)
    authority.issue()
    place = Place(folder, authority, free_port(), free_port(), house.settings.port)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "KP7_UPSTREAM": f"127.0.0.1:{place.upstream}"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command(place), env=env, cwd=folder, stdout=log, stderr=log)
        try:
            limit = time.monotonic() + 60
            while not _listens(place.https):
                assert process.poll() is None and time.monotonic() < limit, (folder / "log").read_text("utf-8")  # noqa: PT018
                time.sleep(0.02)
            yield place
        finally:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


PROXIES = [
    pytest.param(
        command, id=command.__name__,
        marks=pytest.mark.skipif(not shutil.which(command.__name__), reason=f"there is no {command.__name__}"),
    )
    for command in (nginx, caddy)
]  # fmt: skip


@pytest.mark.parametrize("proxy", PROXIES)
async def test_everything_comes_through_that_must_and_no_more(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: Callable[[Place], tuple[str, ...]]
) -> None:
    with running(proxy, house, tmp_path / "proxy") as place:
        monkeypatch.setenv("SSL_CERT_FILE", str(place.authority.path))
        address = f"https://localhost:{place.https}"

        # What the doctor looks at: certificate, the way to us, /metrics, live messages.
        case = Case(house.settings.model_copy(update={"public_url": address}))
        found = [finding async for finding in public.look(case)]
        assert {finding.level for finding in found} == {"ok"}, found

        async with httpx.AsyncClient(base_url=address, timeout=60) as client:
            # A webhook's bytes, and so its signature, are as LINE sent them.
            body = b'{"destination": "x",  "events": [], "\xe0\xb8\x81": 1.50}'
            assert (
                await client.post("/webhooks/line", content=body, headers=delivery_headers(LINE_SECRET, body))
            ).is_success
            large = b"x" * (1024 * 1024 + 1)
            assert (await client.post("/webhooks/line", content=large)).status_code == 413

            # A file of the largest size that KP7 takes gets to it; it says itself what it thinks of it.
            await client.get("/chat")
            file = await client.post("/chat/people/1/files?id=0123456789abcdef&name=x.pdf", content=bytes(20 * 2**20))
            assert file.status_code == 403, file.text  # nobody is logged in

            assert "content-security-policy" in (await client.get("/chat")).headers
            assert (await client.get("/metrics")).status_code == 404
    assert house.line
    house.line.refused.clear()
