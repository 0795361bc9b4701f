"""Pages of ours, in the frame that all of them share (`bot/templates`)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.events import Language
from bot.http import Refused, held_back, language_of
from bot.text import Texts

SHARED = Path(__file__).parent / "templates"
# A form's POST would come with `Origin: null` otherwise, and older browsers say nothing else of where it is from.
HEADERS = {"referrer-policy": "same-origin"}


class Pages:
    """`folder`: of its own templates. `topic`: how the keys of its words begin. `styles`: paths of its style sheets.
    `status`, `key`: what whoever may not be here is answered, the same for every reason."""

    def __init__(
        self, texts: Texts, folder: Path, topic: str, styles: Sequence[str], *, status: int = 404, key: str = ""
    ) -> None:
        self._texts = texts
        self._own = {"topic": topic, "styles": styles}
        self._status, self._key = status, key or f"{topic}.gone"
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader((folder, SHARED)), autoescape=True, undefined=jinja2.StrictUndefined
        )

    def page(
        self,
        name: str,
        language: Language,
        status: int = 200,
        /,
        *,
        words: Sequence[str] = (),
        data: Mapping[str, Any] | None = None,
        **more: object,
    ) -> Response:
        """For its scripts: `words`, beginnings of the keys whose sentences they need, and `data`, what else they do."""

        def say(key: str, **params: object) -> str:
            return self._texts(language, key, params)

        embedded = ""
        if words or data:
            given = {"language": language, "words": self._texts.prefixed(language, *words) if words else {}}
            embedded = json.dumps({**given, **(data or {})}, ensure_ascii=False).replace(
                "<", "\\u003c"
            )  # ends no script
        template = self._templates.get_template(name)
        html = template.render(language=language, say=say, data=embedded, **self._own, **more)
        return HTMLResponse(html, status, HEADERS)

    def refused(self) -> Refused:
        return Refused(self._status, self._key)

    def gone(self, request: Request) -> Response:
        return held_back(request) or self.sentence(self.refused(), language_of(request))

    def sentence(self, refused: Refused, language: Language) -> Response:
        return self.page("sentence.html", language, refused.status, key=refused.key)
