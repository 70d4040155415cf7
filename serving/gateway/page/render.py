"""Render the page's HTML."""

import html
import math
import string
from collections.abc import Mapping, Sequence
from pathlib import Path

from serving.contract import Contract, Feature
from serving.gateway.api_keys import HEADER
from serving.gateway.page.fields import fields
from serving.gateway.settings import GatewaySettings

_FOLDER = Path(__file__).parent


def page(
    settings: GatewaySettings, contract: Contract, *, key_needed: bool, tasks: Sequence[GatewaySettings] = ()
) -> str:
    """Render the whole page, with the contract's example filled into required fields.

    Optional fields are collapsed and empty, so that the visible values are those of the prediction.

    Args:
        settings: title, words of the answer, threshold.
        contract: the fields.
        key_needed: whether to ask for an API key.
        tasks: all tasks of the gateway, for links between their pages; empty for a single task.

    Returns:
        HTML.
    """
    required = [feature for feature in contract.features if feature.asked]
    optional = [feature for feature in contract.features if not feature.asked]
    texts = {
        "title": settings.title,
        "description": settings.description,
        "action": settings.route.removeprefix("/"),  # relative: the gateway may be behind a path
        "key_header": HEADER,
        "kind": settings.kind,
        "decision_true": settings.decision_true,
        "decision_false": settings.decision_false,
        "how": _how(contract, required),
    }
    return _fill(
        "form.html",
        texts,
        tasks=_tasks(settings, tasks),
        groups=_required(required) + _optional(optional, is_open=not required),
        example=_EXAMPLE if contract.example else "",
        answer=_answer(settings),
        explanation=_EXPLANATION if settings.explanation else "",
        csv=_csv(settings, required, optional),
        key=_KEY if key_needed else "",
        footer="" if key_needed else _FOOTER,
        see_documentation="" if key_needed else _SEE_DOCUMENTATION,
    )


def _how(contract: Contract, required: Sequence[Feature]) -> str:
    """Return what to do first: the required fields may hold the example already."""
    if not contract.example:
        return "Fill in the form."
    if required and all(feature.example is not None for feature in required):
        return "The form holds an example. Change it, or press Predict."
    return "Fill in the form, or use the example."


def _fill(template: str, texts: Mapping[str, str], **parts: str) -> str:
    """Fill a template with texts, which are escaped, and parts, which are HTML."""
    escaped = {name: html.escape(text) for name, text in texts.items()}
    return string.Template((_FOLDER / template).read_text(encoding="utf-8")).substitute(escaped, **parts)


def _tasks(current: GatewaySettings, tasks: Sequence[GatewaySettings]) -> str:
    if not tasks:
        return ""
    links = "".join(
        f'<a href="{task.endpoint}"{" aria-current=page" if task is current else ""}>{html.escape(task.title)}</a>\n'
        for task in tasks
    )
    return f'<nav aria-label="Tasks">\n{links}</nav>\n'


def _answer(settings: GatewaySettings) -> str:
    texts = {"probability_of": settings.probability_of, "threshold_percent": f"{settings.threshold * 100:g}"}
    return _fill(f"answer_{settings.kind}.html", texts, threshold_line=_threshold_line(settings.threshold))


def _csv(settings: GatewaySettings, required: Sequence[Feature], optional: Sequence[Feature]) -> str:
    texts = {"most_bytes": str(settings.limits.body_bytes), "most_rows": f"{settings.limits.rows:,}"}
    may_lack = f'\n<p class="note">Optional: {_names(optional)}.</p>' if optional else ""
    return _fill("csv.html", texts, required=_names(required) or "nothing", optional=may_lack)


def _names(features: Sequence[Feature]) -> str:
    return ", ".join(f"<code>{html.escape(feature.name)}</code>" for feature in features)


_EXAMPLE = '<button type="button" id="example" class="quiet">Example</button>\n'

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

# Links send no key, so they are left out where these pages need one.
_FOOTER = '<footer><a href="docs">API documentation</a> <a href="openapi.json">OpenAPI</a></footer>'

_SEE_DOCUMENTATION = ': see <a href="docs">its documentation</a>'


def _threshold_line(threshold: float) -> str:
    """Return the ends of the line across the gauge; form.html defines the gauge's centre, radius and width."""
    angle = math.pi * (1 - threshold)
    ends = ((100 + radius * math.cos(angle), 104 - radius * math.sin(angle)) for radius in (72, 96))
    return " ".join(f'x{number}="{x:.1f}" y{number}="{y:.1f}"' for number, (x, y) in enumerate(ends, start=1))


def _required(features: Sequence[Feature]) -> str:
    if not features:
        return ""
    return f"<fieldset><legend>Required</legend>{fields(features)}</fieldset>\n"


def _optional(features: Sequence[Feature], *, is_open: bool) -> str:
    if not features:
        return ""
    shown = " open" if is_open else ""
    return (
        f'<details id="optional" class="card"{shown}><summary>Optional <span id="optional-count" class="count">'
        f'all empty</span></summary>\n<p class="note">Leave unknown values empty.</p>{fields(features)}</details>\n'
    )
