"""Is this JSON what LINE's own OpenAPI files describe?

The files are LINE's and are not part of KP7: `LINE_OPENAPI_DIR` names a folder that holds `messaging-api.yml` and
`webhook.yml`, and without it `needs_openapi` skips a test.

Read more strictly than OpenAPI means it: a property that a schema does not name is refused, and a schema with a
discriminator must be one of the kinds that it maps.
"""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

Schema = dict[str, Any]

FOLDER = os.environ.get("LINE_OPENAPI_DIR", "")
available = bool(FOLDER)
needs_openapi = pytest.mark.skipif(not available, reason="LINE_OPENAPI_DIR names no folder with LINE's OpenAPI files")

_API = "messaging-api.yml"
_HOOK = "webhook.yml"
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


def validate_request(endpoint: str, body: object) -> list[str]:
    """What is wrong with the body of a POST to this path, such as `/v2/bot/message/push`."""
    return _problems(_API, _operation("post", endpoint)["requestBody"]["content"]["application/json"]["schema"], body)


def validate_answer(method: str, endpoint: str, status: int, body: object) -> list[str]:
    """What is wrong with the JSON of LINE's answer; errors of every status have one schema."""
    responses = _operation(method, endpoint)["responses"]
    schema: Schema
    if status >= 400:
        schema = {"$ref": "#/components/schemas/ErrorResponse"}
    elif str(status) in responses:
        schema = responses[str(status)].get("content", {}).get("application/json", {}).get("schema", {})
    else:
        return [f"status {status} is not described"]
    return _problems(_API, schema, body)


def validate_delivery(body: object) -> list[str]:
    """What is wrong with the body of a webhook's POST."""
    return _problems(_HOOK, {"$ref": "#/components/schemas/CallbackRequest"}, body)


def mapped(base: str) -> dict[str, str]:
    """The kinds that a schema of the Messaging API is told apart into: type → name of the kind's schema."""
    mapping = _file(_API)["components"]["schemas"][base]["discriminator"]["mapping"]
    return {kind: ref.rsplit("/", 1)[-1] for kind, ref in mapping.items()}


def component(name: str) -> list[str]:
    """The properties of a schema of the Messaging API."""
    return list(_Reader(_API).whole({"$ref": f"#/components/schemas/{name}"})["properties"])


@cache
def _file(name: str) -> Schema:
    with (Path(FOLDER) / name).open(encoding="utf-8") as file:
        found = yaml.safe_load(file)
    assert isinstance(found, dict)
    return found


def _operation(method: str, endpoint: str) -> Schema:
    for template, operations in _file(_API)["paths"].items():
        if method in operations and re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), endpoint):
            found = operations[method]
            assert isinstance(found, dict)
            return found
    raise LookupError(f"{method} {endpoint} is not in LINE's description")


def _problems(file: str, schema: Schema, value: object) -> list[str]:
    return list(_Reader(file).read(schema, value, "$"))


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file
        self._schemas: Schema = _file(file)["components"]["schemas"]

    def read(self, schema: Schema, value: object, at: str, *, chosen: bool = False) -> Iterator[str]:
        """`chosen`: a discriminator has led here and is not asked again."""
        name = self._name(schema)
        whole = self.whole(schema)
        picks = whole.get("discriminator")
        if picks and not isinstance(value, dict):
            yield f"{at}: not an object"
        elif picks and not chosen:
            assert isinstance(value, dict)
            kind = value.get(picks["propertyName"])
            mapping = picks["mapping"]
            if kind not in mapping:
                yield f"{at}.{picks['propertyName']}: {kind!r} is none of {sorted(mapping)}"
            elif name in (picks["of"], mapping[kind].rsplit("/", 1)[-1]):
                yield from self.read({"$ref": mapping[kind]}, value, at, chosen=True)
            else:
                yield f"{at}.{picks['propertyName']}: {kind!r} where a {name} belongs"
        else:
            yield from self._value(whole, value, at)

    def _name(self, schema: Schema) -> str:
        return str(schema.get("$ref", "")).rsplit("/", 1)[-1]

    def whole(self, schema: Schema) -> Schema:
        """The schema with what it refers to and what it extends, in one piece."""
        if "$ref" in schema:
            name = self._name(schema)
            found = self.whole(self._schemas[name])
            if "discriminator" in self._schemas[name]:
                found["discriminator"] = {**found["discriminator"], "of": name}
            return found
        whole: Schema = {}
        for part in (*map(self.whole, schema.get("allOf", ())), {k: v for k, v in schema.items() if k != "allOf"}):
            properties = {**whole.get("properties", {}), **part.get("properties", {})}
            required = [*whole.get("required", ()), *part.get("required", ())]
            whole |= part
            if properties:
                whole["properties"] = properties
            if required:
                whole["required"] = required
        return whole

    def _value(self, schema: Schema, value: object, at: str) -> Iterator[str]:
        kind = schema.get("type") or ("object" if "properties" in schema else None)
        if kind and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
            yield f"{at}: not of type {kind}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{at}: {value!r} is none of {schema['enum']}"
        match value:
            case str():
                yield from _bounds(len(value), schema, "Length", at)
                if "pattern" in schema and not re.search(schema["pattern"], value):
                    yield f"{at}: does not match {schema['pattern']}"
                if schema.get("format") == "uri" and not re.match(r"[a-z][a-z0-9+.-]*:\S+$", value):
                    yield f"{at}: not a uri"
            case list():
                yield from _bounds(len(value), schema, "Items", at)
                for index, inner in enumerate(value):
                    yield from self.read(schema.get("items", {}), inner, f"{at}[{index}]")
            case dict():
                yield from self._object(schema, value, at)
            case int() | float() if not isinstance(value, bool):
                if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
                    yield f"{at}: {value} is out of bounds"

    def _object(self, schema: Schema, value: dict[str, object], at: str) -> Iterator[str]:
        properties = schema.get("properties", {})
        for name in dict.fromkeys(schema.get("required", ())):
            if name not in value:
                yield f"{at}.{name}: missing"
        for name, inner in value.items():
            if name in properties:
                yield from self.read(properties[name], inner, f"{at}.{name}")
            elif "additionalProperties" in schema:
                yield from self.read(schema["additionalProperties"], inner, f"{at}.{name}")
            elif kind := schema.get("type"):
                yield f"{at}.{name}: unknown property of this {kind}"


def _bounds(size: int, schema: Schema, what: str, at: str) -> Iterator[str]:
    least, most = schema.get(f"min{what}", 0), schema.get(f"max{what}", size)
    if not least <= size <= most:
        yield f"{at}: {what.lower()} {size} is not between {least} and {most}"
