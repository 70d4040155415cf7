"""Render the first page of a gateway of several tasks: a link to each."""

import html
from collections.abc import Sequence

from serving.gateway.settings import GatewaySettings

TITLE = "Predictions"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="page/page.css">
</head>
<body>
<header><h1>{title}</h1><p>What do you want to predict?</p></header>
<main><ul id="tasks">
{items}
</ul></main>
</body>
</html>
"""


def page(tasks: Sequence[GatewaySettings]) -> str:
    """Return the page's HTML."""
    items = "\n".join(
        f'<li class="card"><a href="{settings.endpoint}">{html.escape(settings.title)}</a>'
        f"<p>{html.escape(settings.description)}</p></li>"
        for settings in tasks
    )
    return _PAGE.format(title=TITLE, items=items)


def describe(tasks: Sequence[GatewaySettings]) -> str:
    """Return the tasks' titles and descriptions, for the API's description."""
    return "\n".join(f"- {settings.title}: {settings.description}".removesuffix(": ") for settings in tasks)
