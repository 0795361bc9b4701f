"""Words (`Say`) as JSON, so that what an effect brings can be kept, and shown again in any language. Pure."""

from datetime import date, datetime
from typing import Any

from bot.events import Say


def pack(value: object) -> Any:
    """Takes `Say`, tuples of such, dates and moments, strings and numbers."""
    match value:
        case Say(text, params):
            return {"say": text, "params": {name: pack(one) for name, one in params.items()}}
        case tuple() | list():
            return [pack(one) for one in value]
        case datetime():
            return {"moment": value.isoformat()}
        case date():
            return {"day": value.isoformat()}
    return value


def unpack(packed: Any) -> Any:
    match packed:
        case {"say": text, "params": params}:
            return Say(text, {name: unpack(one) for name, one in params.items()})
        case {"moment": text}:
            return datetime.fromisoformat(text)
        case {"day": text}:
            return date.fromisoformat(text)
        case list():
            return tuple(unpack(one) for one in packed)
    return packed
