"""LINE: the token, the webhook as the console has it, LINE's own test of it, and what is left of the month's quota."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from bot.doctor.finding import Case, Finding, Findings, ok, skipped, warning, wrong
from bot.doctor.reach import http, why

LITTLE = 0.1  # of the quota
CONSOLE = "in the LINE Developers Console under “Messaging API”"
Json = Mapping[str, Any]


class _Answered(Exception):
    """LINE said something else than 200."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


async def look(case: Case) -> Findings:
    s = case.settings
    if not s.line_channel_access_token:
        yield skipped("LINE is not switched on.")
        return
    async with http(s.line_api_url, Authorization=f"Bearer {s.line_channel_access_token}") as session:
        line = _Line(session, s.line_api_url)
        try:
            async for finding in _account(line, f"{s.address}/webhooks/line"):
                yield finding
        except _Answered as answer:
            yield _refusal(answer.status)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            yield wrong(
                f"LINE cannot be reached: {why(error)}.",
                "Let this machine call api.line.me, port 443; through a proxy, set HTTPS_PROXY.",
            )


class _Line:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._base = session, url.rstrip("/")

    async def ask(self, path: str, body: Json | None = None) -> Json:
        """GET, or POST where there is a body. Raises `_Answered`, or what `aiohttp` raises."""
        method = "GET" if body is None else "POST"
        async with self._session.request(
            method, f"{self._base}/v2/bot/{path}", json=body, allow_redirects=False
        ) as answer:
            if answer.status != 200:
                raise _Answered(answer.status)
            given = await answer.json()
        if not isinstance(given, dict):
            raise ValueError("not an object")  # noqa: TRY004  as `json` does: the answer is wrong, not our code
        return given


async def _account(line: _Line, webhook: str) -> Findings:
    info = await line.ask("info")
    yield ok(f"LINE takes the access token; the account is {info.get('basicId')} “{info.get('displayName')}”.")
    yield await _quota(line)
    finding = await _endpoint(line, webhook)
    yield finding
    if finding.level == "ok":
        yield await _test(line, webhook)


async def _quota(line: _Line) -> Finding:
    quota = await line.ask("message/quota")
    if quota.get("type") != "limited":
        return ok("The account may push as many messages as it likes.")
    total, used = int(quota["value"]), int((await line.ask("message/quota/consumption"))["totalUsage"])
    words = f"{max(total - used, 0)} of this month's {total} pushes are left"
    if total - used <= total * LITTLE:
        return warning(
            f"{words}; answers do not count, notices do.", "Choose a larger plan in the Official Account Manager."
        )
    return ok(f"{words}.")


async def _endpoint(line: _Line, webhook: str) -> Finding:
    try:
        known = await line.ask("channel/webhook/endpoint")
    except _Answered as answer:
        if answer.status != 404:
            raise
        known = {}
    if not known.get("endpoint"):
        return wrong("LINE knows no webhook URL.", f"Set it to {webhook} {CONSOLE}.")
    if known["endpoint"] != webhook:
        return wrong(
            "LINE sends to another webhook URL than this server's.",
            f"Set it to {webhook} {CONSOLE}, or mend PUBLIC_URL.",
        )
    if not known.get("active"):
        return wrong("LINE knows the webhook, but does not use it.", f"Switch on “Use webhook” {CONSOLE}.")
    return ok("LINE sends to this server's webhook.")


async def _test(line: _Line, webhook: str) -> Finding:
    """LINE calls the webhook now, as its console does when “Verify” is pressed."""
    result = await line.ask("channel/webhook/test", {"endpoint": webhook})
    if result.get("success"):
        return ok("LINE has called the webhook, and KP7 has answered.")
    status = result.get("statusCode")
    if status == 401:
        return wrong(
            "KP7 refuses what LINE sends: the signature does not fit.",
            "Copy LINE_CHANNEL_SECRET again, from “Basic settings” of the very channel whose token is set.",
        )
    return wrong(
        f"LINE has called the webhook without success ({result.get('reason')}, {status}).",
        "It must be reachable from the internet, with a certificate that everybody trusts, and its whole chain.",
    )


def _refusal(status: int) -> Finding:
    if status in (401, 403):
        return wrong(
            f"LINE refuses the access token ({status}).",
            f"Issue a new one {CONSOLE} and set LINE_CHANNEL_ACCESS_TOKEN.",
        )
    if status == 429:
        return warning("LINE has been asked too often (429).", "Run this again in a few minutes.")
    return warning(f"LINE answers {status}.", "Run this again in a few minutes; LINE's status page says more.")
