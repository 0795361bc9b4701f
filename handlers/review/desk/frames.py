"""The desk's pages: templates, and the one page for whoever has no seat."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.events import Language
from bot.http import language_of
from bot.text import Texts

HERE = Path(__file__).parent


class Frames:
    # A form's POST would come with `Origin: null` otherwise, and older browsers say nothing else of where it is from.
    headers: Mapping[str, str] = {"referrer-policy": "same-origin"}

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
        )

    def page(
        self, name: str, language: Language, status: int = 200, /, *, words: Sequence[str] = (), **more: Any
    ) -> Response:
        """`words`: beginnings of the keys whose sentences its scripts need; `data` in `more`: what else they do."""

        def say(key: str, **params: object) -> str:
            return self._texts(language, key, params)

        data = {
            "language": language,
            "words": self._texts.prefixed(language, *words) if words else {},
            **more.pop("data", {}),
        }
        embedded = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")  # ends no script
        html = self._templates.get_template(name).render(language=language, say=say, data=embedded, **more)
        return HTMLResponse(html, status, dict(self.headers))

    def closed(self, request: Request) -> Response:
        if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
            # a link on another site: the browser holds back its cookie. Coming again from here, it sends it.
            return HTMLResponse('<!doctype html><meta http-equiv="refresh" content="0"><title>KP7</title>')
        return self.page("closed.html", language_of(request), 401)
