"""Import once what the commands of a replay need; their processes are forks of the one that imports this module."""

import warnings

from serving.process_control import gc_paused_imports

with warnings.catch_warnings(), gc_paused_imports():
    warnings.simplefilter("ignore")  # warnings of Google's libraries about each other
    import pipelines.ingestion.span_run
    import pipelines.monitoring.leave
    import pipelines.monitoring.monitoring_run
    import pipelines.production_metrics.command
    import pipelines.training  # noqa: F401, imported so that every fork has TFX loaded
