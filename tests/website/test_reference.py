"""What the generated pages of the reference say."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from pipelines.cli.app import app as pipelines_app
from serving.cli.app import app as serving_app
from serving.gateway.metrics import GatewayMetrics, TaskMetrics
from website import commands, configuration, decisions, make_targets, metrics
from website.hooks import GENERATED, lead_links
from website.records import read_record

ROOT = Path(__file__).resolve().parents[2]


def test_every_command_has_a_section_with_its_options() -> None:
    text = commands.write_page(ROOT)
    sections = dict(re.findall(r"^###? (python -m .*?)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))
    for name, app in (("python -m pipelines", pipelines_app), ("python -m serving", serving_app)):
        for command in app:
            if not command.startswith("-"):
                assert f"{name} {command}" in sections
    assert "* `--push-ties`:" in sections["python -m pipelines run"]
    assert "Exit status:" in sections["python -m pipelines run"]
    assert "--rest_api_port" in sections["python -m serving server"]
    assert "* `--percent FLOAT`:" in sections["python -m serving rollout canary"]
    usages = re.findall(r"```text\n(python .*?)\n```", text)
    assert "python -m pipelines run [OPTIONS]" in usages
    assert [usage for usage in usages if " -m " in usage.removeprefix("python -m ")] == []
    assert "<task>" not in re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL), "a browser would hide it"


def test_the_gateways_metrics_are_those_of_its_registries() -> None:
    text = metrics.write_page(ROOT)
    gateway = text.split("## The gateway")[1].split("## The model server")[0]
    named = set(re.findall(r"^\| `(\w+)` \|", gateway, re.MULTILINE))
    registries: list[CollectorRegistry] = [GatewayMetrics().registry, TaskMetrics().registry]
    kinds = {"counter": "_total"}
    real = {family.name + kinds.get(family.type, "") for registry in registries for family in registry.collect()}
    real = {name for name in real if name.startswith(("gateway_", "tls_"))}
    # The writer of the request log has a registry of its own.
    assert named == real | {"gateway_request_log_rows_total"}
    assert "| `traffic_class_ratio` | gauge | `predicted`, `model_version` | Share of rows" in text


def test_a_key_has_type_default_and_explanation() -> None:
    text = configuration.write_page(ROOT)
    assert "| `trainings_a_month` | `int` | `4` | most trainings by this loop in a calendar month (UTC) |" in text
    assert "| `endpoint` | `str` | required | POST /v1/&lt;endpoint&gt; |" in text
    assert "| `bucket` | `str` | required | gs://…, of the same region |" in text


def test_fields_are_read_with_the_comments_above_beside_and_below(tmp_path: Path) -> None:
    module = tmp_path / "record.py"
    module.write_text(
        'class Record:\n    """A record.\n\n    More."""\n\n    # Above,\n    # in two lines.\n'
        "    a: Annotated[int, Field(ge=0)] | None = None  # seconds\n"
        '    b: dict[str, str] = dataclasses.field(default_factory=dict)\n    """Below."""\n    c: str\n'
    )
    record = read_record(module, "Record")
    assert record.summary == "A record."
    fields = [(field.name, field.type, field.default, field.explanation) for field in record.fields]
    assert fields == [
        ("a", "int | None", "None", "Above, in two lines. seconds"),
        ("b", "dict[str, str]", "{}", "Below."),
        ("c", "str", None, ""),
    ]


@pytest.mark.parametrize(("name", "says"), [("Gone", "expected a class Gone, found none"), ("Empty", "found none")])
def test_a_record_that_is_gone_is_an_error(name: str, says: str, tmp_path: Path) -> None:
    module = tmp_path / "record.py"
    module.write_text("class Empty:\n    pass\n")
    with pytest.raises(LookupError, match=says):
        read_record(module, name)


def test_a_module_without_metrics_is_an_error(tmp_path: Path) -> None:
    module = tmp_path / "none.py"
    module.write_text("x = 1\n")
    with pytest.raises(LookupError, match="expected a metric, found none"):
        list(metrics.declared(module))


def test_the_index_lists_every_decision() -> None:
    text = decisions.write_index(ROOT)
    date = decisions.NO_BREAK.join(("2026", "11", "30"))
    assert len(re.findall(r"^\| \d+ \|", text, re.MULTILINE)) == len(decisions.files(ROOT))
    assert f"| 57 | {date} | [A transformed row carries the key of its raw row](0057-rows-by-key.md) |" in text


def test_the_targets_are_those_of_make_help() -> None:
    assert "docs-figures" in make_targets.write_page(ROOT)


def test_generated_pages_are_not_committed() -> None:
    assert [uri for uri in GENERATED if (ROOT / "docs" / uri).exists()] == []


def test_links_lead_to_where_the_site_has_their_targets() -> None:
    text = (
        "[a](../../pyproject.toml) [pyproject.toml](../../pyproject.toml) [b](../../CHANGELOG.md) [c](../decisions/#x)"
    )
    assert lead_links(text, "docs/how-to/deploy.md", "how-to/deploy.md") == (
        "a (`pyproject.toml`) `pyproject.toml` [b](../project/changelog.md) [c](../decisions/index.md#x)"
    )
