"""HMACs over rows, which say that KP7 wrote them: whoever has the database but not the vault can make none."""

import hashlib
import hmac

import orjson


def mac(key: bytes, *parts: object) -> str:
    """64 hex digits. `parts`: words, integers, None; over JSON, so that no two lists of them look the same."""
    return hmac.digest(key, orjson.dumps(parts), hashlib.sha256).hex()


def fits(given: object, key: bytes, *parts: object) -> bool:
    """Is it theirs? False also for whatever else somebody who edits the database can put in either place."""
    if float in map(type, parts):  # infinity would look like null
        return False
    try:
        return isinstance(given, str) and hmac.compare_digest(given, mac(key, *parts))
    except TypeError:  # bytes, words that are not ASCII, or not even Unicode
        return False
