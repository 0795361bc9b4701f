"""What the desk's scripts may send: JSON from our own pages, bounded, and nothing that is not asked for."""

from typing import Any

from starlette.requests import Request

from bot.http import Busy, Refused, TooLarge, body, same_origin
from bot.strict_json import Malformed, parse

BODY_LIMIT = 16 * 1024
LONGEST = 200  # characters of a part of an address


def address_fits(request: Request) -> None:
    """Raises `Refused` for what no address of the desk has in it: control characters (no database takes a NUL in text),
    what does not show, and more than anything of ours is long. Whoever reads one of them asks for its shape besides."""
    if not all(map(_fits, request.path_params.values())):
        raise Refused(404, "error.item_gone")
    if not all(map(_fits, request.query_params.values())):
        raise Refused(400)


def _fits(text: str) -> bool:
    return len(text) <= LONGEST and text.isprintable()


def from_here(request: Request, address: str) -> None:
    """Raises `Refused` for what another site makes a browser send (CSRF; the cookie is SameSite=Strict besides)."""
    if not same_origin(request, address):
        raise Refused(403)


def is_json(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415)


async def read(request: Request, *names: str) -> dict[str, str]:
    """Exactly these fields, all of them text. Raises `Refused`."""
    try:
        said: Any = parse(await body(request, BODY_LIMIT))
    except TooLarge:
        raise Refused(413) from None
    except Busy:
        raise Refused(503, "desk.busy") from None
    except Malformed:
        raise Refused(400) from None
    if not isinstance(said, dict) or said.keys() != set(names) or not all(isinstance(v, str) for v in said.values()):
        raise Refused(400)
    return said
