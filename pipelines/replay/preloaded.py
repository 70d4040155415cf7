"""Import once what the commands of a replay need; their processes are forks of the one that imports this module."""

import warnings

from serving.process_control import gc_paused_imports

with warnings.catch_warnings(), gc_paused_imports():
    warnings.simplefilter("ignore")  # warnings of Google's libraries about each other
    # Nothing is used here: every fork has these modules, and TFX with them, loaded.
    import pipelines.ingestion.span_run  # noqa: F401
    import pipelines.monitoring.leave  # noqa: F401
    import pipelines.monitoring.monitoring_run  # noqa: F401
    import pipelines.production_metrics.command  # noqa: F401
    import pipelines.training  # noqa: F401
