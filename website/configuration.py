"""Generate the reference of all settings: a table for each record, from the record's source."""

import html
from pathlib import Path

from website.records import Field, read_record

# Title -> introduction, and the records: module, class, the table that holds it in the file.
_PARTS: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "A task",
        "`task.py` in a task's folder makes one `Task` ([tasks](../reference/tasks.md)).",
        (("pipelines/task_definition/task.py", "Task", ""),),
    ),
    (
        "scoping.toml",
        "What was agreed before the work began; the thresholds in it gate ([how to fill it in](../how-to/scoping.md)).",
        (
            ("pipelines/task_definition/scoping.py", "Threshold", "[[success.thresholds]]"),
            ("pipelines/task_definition/scoping.py", "Comparison", "[success.comparison]"),
            ("pipelines/task_definition/scoping.py", "Guard", "[[success.comparison.others]]"),
            ("pipelines/task_definition/scoping.py", "Costs", "[costs]"),
            ("pipelines/task_definition/scoping.py", "Fairness", "[fairness]"),
        ),
    ),
    (
        "retraining.toml",
        "When a task is trained again, and what becomes of the model ([the loop](../how-to/operate.md)).",
        (
            ("pipelines/retraining/policy.py", "RetrainingPolicy", ""),
            ("pipelines/retraining/policy.py", "Due", "[due]"),
            ("pipelines/retraining/policy.py", "Limits", "[limits]"),
            ("pipelines/retraining/policy.py", "Trial", "[trial]"),
            ("pipelines/retraining/policy.py", "Retry", "[retry]"),
        ),
    ),
    (
        "The gateway's settings",
        "`serving/gateway/<task>.toml`. An environment variable overrides the file: `GATEWAY__MODEL__SERVER` sets "
        "`server` in the table `[model]`. The command line overrides both ([serving](serving.md)).",
        (
            ("serving/gateway/settings.py", "GatewaySettings", ""),
            ("serving/gateway/settings.py", "ListenSettings", "[listen]"),
            ("serving/gateway/settings.py", "PortTlsSettings", "[listen.tls], [listen.operator_tls]"),
            ("serving/gateway/settings.py", "ModelSettings", "[model]"),
            ("serving/gateway/settings.py", "ModelTlsSettings", "[model.tls]"),
            ("serving/gateway/settings.py", "RequestLimits", "[limits]"),
            ("serving/gateway/redis_settings.py", "RedisSettings", "[limits.redis]"),
            ("serving/http_bounds/limits.py", "HttpLimits", "[http]"),
            ("serving/gateway/settings.py", "KeySettings", "[keys]"),
            ("serving/gateway/settings.py", "CorsSettings", "[cors]"),
            ("serving/request_log/settings.py", "RequestLogSettings", "[request_log]"),
            ("serving/feedback/settings.py", "FeedbackSettings", "[feedback]"),
            ("serving/gateway/settings.py", "ExplanationSettings", "[explanation]"),
            ("serving/gateway/settings.py", "TracingSettings", "[tracing]"),
        ),
    ),
    (
        "cloud.toml",
        "The project, bucket, image and machines of a job on Vertex AI. Copy `pipelines/cloud.example.toml` and fill "
        "it in ([Vertex AI](../how-to/vertex.md)).",
        (
            ("pipelines/cloud_settings.py", "CloudSettings", ""),
            ("pipelines/cloud_settings.py", "NodeResources", "[nodes.default], [nodes.<node>]"),
            ("pipelines/cloud_settings.py", "DataflowSettings", "[dataflow]"),
        ),
    ),
    (
        "A run",
        "`pipelines.resolution.resolve` makes a `PipelineConfig` of the task and the command line's options "
        "([command line](commands.md)); `create_pipeline` reads nothing else.",
        (
            ("pipelines/config.py", "PipelineConfig", ""),
            ("pipelines/config.py", "TrainerOptions", ""),
            ("pipelines/config.py", "TunerConfig", ""),
        ),
    ),
)


def write_page(root: Path) -> str:
    """Return the page.

    Args:
        root: the repository's folder.
    """
    lines = ["# Configuration", "", "Unknown keys are refused, with the key that was probably meant.", ""]
    for title, introduction, records in _PARTS:
        lines += [f"## {title}", "", introduction, ""]
        for path, name, place in records:
            record = read_record(root / path, name)
            heading = f"`{place}`" if place else f"`{name}`"
            lines += [f"### {heading.replace(', ', '`, `')}", "", html.escape(record.summary, quote=False), ""]
            lines += ["| key | type | default | |", "|---|---|---|---|", *map(_row, record.fields), ""]
    return "\n".join(lines)


def _row(field: Field) -> str:
    default = "required" if field.default is None else _code(field.default)
    explanation = html.escape(field.explanation, quote=False).replace("|", "\\|").replace("[", "\\[")
    return f"| `{field.name}` | {_code(field.type)} | {default} | {explanation} |"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""
