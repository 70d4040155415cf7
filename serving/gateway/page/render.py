"""The page's HTML: one field for each feature of the contract. The browser gets no other list of fields or ranges."""

import html
import math
import string
from pathlib import Path

from serving.contract import Contract, Feature, Kind
from serving.gateway.api_keys import HEADER
from serving.gateway.settings import GatewaySettings

_TEMPLATE = string.Template(Path(__file__).with_name("form.html").read_text(encoding="utf-8"))
_OTHER = "other"


def page(settings: GatewaySettings, contract: Contract, *, key_needed: bool) -> str:
    """The whole page, with the contract's example filled in.

    Args:
        settings: title, words for the answer, threshold.
        contract: the fields.
        key_needed: whether to ask for an API key.
    """
    required = [feature for feature in contract.features if feature.required]
    optional = [feature for feature in contract.features if not feature.required]
    groups = _group("Required", required) + _group("Optional", optional, "Leave empty what is not known.")
    texts = {
        "title": settings.title,
        "description": settings.description,
        "action": settings.route.removeprefix("/"),  # relative: the gateway may stand behind a path
        "key_header": HEADER,
        "probability_of": settings.probability_of,
        "decision_true": settings.decision_true,
        "decision_false": settings.decision_false,
        "threshold_percent": f"{settings.threshold * 100:g}",
    }
    return _TEMPLATE.substitute(
        {name: html.escape(text) for name, text in texts.items()},
        groups=groups,
        explanation=_EXPLANATION if settings.explanation else "",
        threshold_line=_threshold_line(settings.threshold),
        key=_KEY if key_needed else "",
        footer="" if key_needed else _FOOTER,
        see_documentation="" if key_needed else _SEE_DOCUMENTATION,
    )


_EXPLANATION = """<div id="explanation" class="explanation">
<button type="button" id="why" class="quiet">Why?</button>
<div id="because" hidden><p class="note" id="because-note"></p><ol id="contributions"></ol></div>
</div>
"""

_KEY = """<fieldset><legend>Access</legend><div class="fields"><div class="field">
<label for="api-key">API key</label>
<input id="api-key" type="password" autocomplete="off" spellcheck="false" aria-describedby="hint-api-key">
<p class="hint" id="hint-api-key">Sent with the request; forgotten when the page is closed.</p>
</div></div></fieldset>
"""

# A browser that follows a link sends no key, so the links are left out where these pages need one.
_FOOTER = '<footer><a href="docs">API documentation</a> <a href="openapi.json">OpenAPI</a></footer>'

_SEE_DOCUMENTATION = ': see <a href="docs">its documentation</a>'


def _threshold_line(threshold: float) -> str:
    """Where the line across the gauge begins and ends; the gauge's centre, radius and width stand in form.html."""
    angle = math.pi * (1 - threshold)
    ends = ((100 + radius * math.cos(angle), 104 - radius * math.sin(angle)) for radius in (72, 96))
    return " ".join(f'x{number}="{x:.1f}" y{number}="{y:.1f}"' for number, (x, y) in enumerate(ends, start=1))


def _group(name: str, features: list[Feature], note: str = "") -> str:
    if not features:
        return ""
    told = f'<p class="note">{note}</p>' if note else ""
    fields = "\n".join(map(_field, features))
    return f'<fieldset><legend>{name}</legend>{told}<div class="fields">\n{fields}\n</div></fieldset>\n'


def _field(feature: Feature) -> str:
    name = html.escape(feature.name)
    label = html.escape(feature.name.replace("_", " ").capitalize())
    hint = html.escape(" · ".join(filter(None, [feature.description, _range(feature)])))
    return (
        f'<div class="field" data-name="{name}" data-kind="{feature.kind.name}">\n'
        f'<label for="field-{name}">{label}</label>\n'
        f"{_select(feature) if feature.known else _input(feature)}\n"
        f'<p class="hint" id="hint-{name}">{hint}</p>\n'
        f'<p class="error" id="error-{name}" hidden></p>\n</div>'
    )


def _range(feature: Feature) -> str:
    """The numbers that are allowed, in short; what is wrong with a value, the gateway says at length."""
    words = ["whole number" if feature.kind is Kind.INT and feature.low is None else ""]
    words += [
        f"{word} {bound:.15g}" for word, bound in (("from", feature.low), ("to", feature.high)) if bound is not None
    ]
    return " ".join(filter(None, words))


def _input(feature: Feature) -> str:
    # Plain text, also for numbers: what was typed goes to the gateway, which alone says what is wrong with it.
    # Such a field holds one line: of an example with a line break it would make another string.
    example = "" if {"\r", "\n"} & {*_example(feature)} else _example(feature)
    keyboard = {Kind.INT: "text" if feature.low is None or feature.low < 0 else "numeric", Kind.BYTES: "text"}
    return (
        f'<input {_common(feature)} type="text" inputmode="{keyboard.get(feature.kind, "text")}" autocomplete="off" '
        f'spellcheck="false" value="{_attribute(example)}">'
    )


def _select(feature: Feature) -> str:
    chosen = _example(feature)
    options = "".join(
        f'<option value="{_attribute(value)}"{" selected" if value == chosen else ""}>{html.escape(value)}</option>'
        for value in feature.known
    )
    if not feature.required or not chosen:
        options = f'<option value=""{"" if chosen else " selected"}>–</option>{options}'
    if feature.closed:
        return f"<select {_common(feature)}>{options}</select>"
    # A value that is no option's: the browser tells it by the attribute, so it can also be the name of one.
    name = html.escape(feature.name)
    return (
        f'<select {_common(feature)}>{options}<option value="" data-{_OTHER}>another …</option></select>\n'
        f'<input id="{_OTHER}-{name}" class="{_OTHER}" type="text" autocomplete="off" spellcheck="false" hidden '
        f'aria-label="{name.replace("_", " ")}, another value" aria-describedby="error-{name}">'
    )


def _common(feature: Feature) -> str:
    name = html.escape(feature.name)
    required = " required" if feature.required else ""
    return f'id="field-{name}" name="{name}" aria-describedby="hint-{name} error-{name}"{required}'


def _attribute(text: str) -> str:
    """Escapes an attribute's value; of a bare carriage return a browser makes a line feed, which is another string."""
    return html.escape(text).replace("\r", "&#13;")


def _example(feature: Feature) -> str:
    return "" if feature.example is None else str(feature.example)
