"""What each alert says, and that it is tested. test_alerts.py has the tests that need Prometheus' programs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.serving.deploy.files import DEPLOY, ROOT

PAGE = "docs/how-to/alerts.md"
RULES: dict[str, Any] = {
    rule["alert"]: rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}


@pytest.mark.parametrize("alert", RULES)
def test_an_alert_says_how_bad_it_is_and_where_to_read_on(alert: str) -> None:
    rule = RULES[alert]
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert all(text.strip().endswith((".", "`")) for name, text in rule["annotations"].items() if name != "runbook_url")
    assert rule["annotations"]["runbook_url"] == f"{PAGE}#{alert.lower()}"


def test_the_page_has_a_section_for_each_alert_and_for_no_other() -> None:
    page = (ROOT / PAGE).read_text()
    assert sorted(re.findall(r"^### (\w+)$", page, re.MULTILINE)) == sorted(RULES)
    for alert in RULES:
        section = page.split(f"\n### {alert}\n")[1].split("\n#")[0]
        assert len(section.split()) > 15, alert


def test_promtool_is_asked_when_each_alert_fires_and_when_not() -> None:
    fires: set[str] = set()
    keeps_quiet: set[str] = set()
    for file in Path(__file__).parent.glob("alerts_*test.yml"):
        for test in yaml.safe_load(file.read_text())["tests"]:
            for case in test["alert_rule_test"]:
                (fires if case.get("exp_alerts") else keeps_quiet).add(case["alertname"])
    assert fires == keeps_quiet == set(RULES)
