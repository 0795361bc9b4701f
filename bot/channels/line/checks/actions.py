"""What happens when something in a message is pressed (pure)."""

from collections.abc import Collection, Iterator, Mapping

from bot.channels.line.checks.values import Check, Problem, both, label, one_of, pattern, properties, tagged, text

uri = both(text(1, 1_000), pattern(r"(https?://|line://|tel:)[!-~]+", "a uri with http, https, line or tel"))
_data = text(1, 300)
_MOMENTS = {
    "date": r"\d{4}-\d\d-\d\d",
    "time": r"\d\d:\d\d",
    "datetime": r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d",
}


def _postback(value: object, at: str) -> Iterator[Problem]:
    if isinstance(value, dict):
        if "displayText" in value and "text" in value:
            yield f"{at}.text", "may not stand beside displayText"
        if "fillInText" in value and value.get("inputOption") != "openKeyboard":
            yield f"{at}.fillInText", "needs the inputOption openKeyboard"


def _moments(value: object, at: str) -> Iterator[Problem]:
    if isinstance(value, dict) and (form := _MOMENTS.get(str(value.get("mode")))):
        for name in ("initial", "min", "max"):
            if name in value:
                yield from pattern(form, f"a {value['mode']}")(value[name], f"{at}.{name}")


def action(label: Check, *, must: bool, but: Collection[str] = ()) -> Check:
    """`must`: without a label there is nothing to press. `but`: the types that this place does not have."""

    def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
        labels = {"label": label}
        return properties({**(labels if must else {}), **required}, {**labels, **(optional or {})})

    kinds: dict[str, Check] = {
        "postback": both(
            shape(
                {"data": _data},
                {
                    "displayText": text(1, 300),
                    "text": text(1, 300),
                    "inputOption": one_of("closeRichMenu", "openRichMenu", "openKeyboard", "openVoice"),
                    "fillInText": text(1, 300),
                },
            ),
            _postback,
        ),
        "message": shape({"text": text(1, 300)}),
        "uri": shape({"uri": uri}, {"altUri": properties({"desktop": uri})}),
        "datetimepicker": both(
            shape(
                {"data": _data, "mode": one_of(*_MOMENTS)},
                {"initial": text(1, 16), "min": text(1, 16), "max": text(1, 16)},
            ),
            _moments,
        ),
        "clipboard": shape({"clipboardText": text(1, 1_000)}),
        "camera": shape({}),
        "cameraRoll": shape({}),
        "location": shape({}),
    }
    return tagged({kind: check for kind, check in kinds.items() if kind not in but})


# The camera, the album and the map open from a quick reply only.
ONLY_QUICK = ("camera", "cameraRoll", "location")
quick_action = action(label(20), must=True)
flex_button_action = action(label(40), must=True, but=ONLY_QUICK)
flex_touch_action = action(label(40), must=False, but=ONLY_QUICK)
template_action = action(label(20), must=True, but=ONLY_QUICK)
template_touch_action = action(label(20), must=False, but=ONLY_QUICK)
