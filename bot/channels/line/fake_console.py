"""What an office sets in LINE's console: where webhooks go, whether they are used; and LINE's own test of that."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import aiohttp
from aiohttp import web

PATIENCE_SECONDS = 2  # LINE's own


def delivery_headers(secret: str, body: bytes) -> dict[str, str]:
    """The headers that LINE sends with a delivery to the channel with this secret."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "LineBotWebhook/2.0",
        "x-line-signature": base64.b64encode(digest).decode(),
    }


class Console:
    """`url`: the webhook, "" while none is set. `secret`: the channel's, which deliveries are signed with."""

    def __init__(self, bot_id: str) -> None:
        self.bot_id, self.url, self.active, self.secret = bot_id, "", True, ""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v2/bot/channel/webhook/endpoint", self._endpoint),
            web.post("/v2/bot/channel/webhook/test", self._test),
        ]

    async def _endpoint(self, _request: web.Request) -> web.Response:
        if not self.url:
            return web.json_response({"message": "Not found"}, status=404)
        return web.json_response({"endpoint": self.url, "active": self.active})

    async def _test(self, request: web.Request) -> web.Response:
        url = (await request.json()).get("endpoint") or self.url
        body = json.dumps({"destination": self.bot_id, "events": []}).encode()
        status, reason, detail = 0, "COULD_NOT_CONNECT", "Failed to connect"
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS)) as session,
                session.post(url, data=body, headers=delivery_headers(self.secret, body)) as answer,
            ):
                status, detail = answer.status, str(answer.status)
                reason = "OK" if answer.ok else "ERROR_STATUS_CODE"
        except TimeoutError:
            reason, detail = "REQUEST_TIMEOUT", "Request timeout"
        except aiohttp.ClientError:
            pass
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told = {"timestamp": now, "statusCode": status, "reason": reason, "detail": detail}
        return web.json_response({"success": status == 200, **told})
