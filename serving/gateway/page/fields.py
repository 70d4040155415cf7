"""Make the form's fields: one for each feature of the contract. The browser has no other list of fields or ranges."""

import html
import urllib.parse
from collections.abc import Sequence

from serving.contract import Feature, Kind
from serving.contract.time_parts import WallClock

_OTHER = "other"


def fields(features: Sequence[Feature]) -> str:
    """Return the fields' HTML, without a heading."""
    return '<div class="fields">\n' + "\n".join(map(_field, features)) + "\n</div>"


def _field(feature: Feature) -> str:
    name, place = html.escape(feature.name), _place(feature)
    title, unit = html.escape(feature.title), html.escape(feature.unit)
    shown_unit = f' <span class="unit">{unit}</span>' if unit else ""
    example = f' data-example="{_attribute(_example(feature))}"' if _example(feature) else ""
    part = f' data-part="{_attribute(feature.part.source)}"' if feature.part else ""
    control = _time(feature, feature.clock) if feature.clock else _select(feature) if feature.known else _input(feature)
    return (
        f'<div class="field" data-name="{name}" data-title="{title}" data-kind="{feature.kind.name}"{example}{part}>\n'
        f'<label for="field-{place}">{title}{shown_unit}</label>\n{control}\n'
        f'<p class="hint" id="hint-{place}">{html.escape(_hint(feature))}</p>\n'
        f'<p class="error" id="error-{place}" hidden></p>\n</div>'
    )


def _hint(feature: Feature) -> str:
    if feature.clock:  # the description is about the number, which users do not type here
        clock = feature.clock
        words = [f"{word} {clock.show(int(bound))[:10]}" for word, bound in _bounds(feature)]
        return f"Local time in {clock.zone.key.replace('_', ' ')} · " + " ".join(words) if words else ""
    told = "computed from the time if empty" if feature.part else ""
    return " · ".join(filter(None, [_description(feature), _range(feature), told]))


def _description(feature: Feature) -> str:
    """Return the description; empty if it only repeats the label above the field."""
    said, label = (" ".join(text.casefold().split()) for text in (feature.description, feature.title))
    return "" if said == label else feature.description


def _range(feature: Feature) -> str:
    """Return the allowed numbers in short; the gateway's errors are complete."""
    words = ["whole number" if feature.kind is Kind.INT and feature.low is None else ""]
    words += [f"{word} {bound:.15g}" for word, bound in _bounds(feature)]
    return " ".join(filter(None, words))


def _bounds(feature: Feature) -> list[tuple[str, int | float]]:
    return [(word, bound) for word, bound in (("from", feature.low), ("to", feature.high)) if bound is not None]


def _time(feature: Feature, clock: WallClock) -> str:
    """Return a date and time picker. Its value, such as 2015-07-16T14:45, is ISO 8601 in local time."""
    limits = zip(("min", "max"), (feature.low, feature.high), strict=True)
    told = "".join(f' {name}="{_picked(int(bound), clock)}"' for name, bound in limits if bound is not None)
    # Show seconds if the example has some.
    step = ' step="1"' if isinstance(feature.example, int) and feature.example // clock.units % 60 else ""
    return f'<input {_common(feature)} type="datetime-local" value="{_filled_in(feature)}"{told}{step}>'


def _picked(value: int, clock: WallClock) -> str:
    return clock.show(value).replace(" ", "T").removesuffix(":00")


def _input(feature: Feature) -> str:
    # Plain text, also for numbers: the gateway checks what was typed.
    example = _example(feature)
    told = f' placeholder="{_attribute(f"such as {example}")}"' if example else ""
    keyboard = {Kind.INT: "text" if feature.low is None or feature.low < 0 else "numeric", Kind.BYTES: "text"}
    return (
        f'<input {_common(feature)} type="text" inputmode="{keyboard.get(feature.kind, "text")}" autocomplete="off" '
        f'spellcheck="false" value="{_attribute(_filled_in(feature))}"{told}>'
    )


def _select(feature: Feature) -> str:
    chosen = _filled_in(feature)
    options = "".join(
        f'<option value="{_attribute(value)}"{" selected" if value == chosen else ""}>{html.escape(value)}</option>'
        for value in feature.known
    )
    if not feature.asked or not chosen:
        options = f'<option value=""{"" if chosen else " selected"}>–</option>{options}'
    if feature.closed:
        return f"<select {_common(feature)}>{options}</select>"
    # The option of another value is recognized by an attribute, so that a value may have any name.
    place = _place(feature)
    return (
        f'<select {_common(feature)}>{options}<option value="" data-{_OTHER}>another value</option></select>\n'
        f'<input id="{_OTHER}-{place}" class="{_OTHER}" type="text" autocomplete="off" spellcheck="false" hidden '
        f'aria-label="{html.escape(feature.title)}, another value" aria-describedby="error-{place}">'
    )


def _common(feature: Feature) -> str:
    name, place = html.escape(feature.name), _place(feature)
    required = " required" if feature.asked else ""
    return f'id="field-{place}" name="{name}" aria-describedby="hint-{place} error-{place}"{required}'


def _place(feature: Feature) -> str:
    """Return a name as a part of ids; a space would end an id in a list of ids."""
    return urllib.parse.quote(feature.name, safe="")


def _attribute(text: str) -> str:
    """Escape an attribute's value, including carriage returns, which a browser would change to line feeds."""
    return html.escape(text).replace("\r", "&#13;")


def _example(feature: Feature) -> str:
    """Return the contract's example as the field shows it; empty if there is none, or another field implies it."""
    if feature.example is None or feature.part:
        return ""
    if feature.clock:
        return _picked(int(feature.example), feature.clock)
    text = str(feature.example)
    # A text field holds one line; a line break in the example would be lost.
    return "" if {"\r", "\n"} & {*text} and not feature.known else text


def _filled_in(feature: Feature) -> str:
    return _example(feature) if feature.asked else ""
