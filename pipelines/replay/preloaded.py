"""What the commands of a replay load: imported once, in the process that they are forks of."""

import warnings

from serving.process_control import gc_paused_imports

with warnings.catch_warnings(), gc_paused_imports():
    warnings.simplefilter("ignore")  # what Google's libraries say of each other
    import pipelines.ingestion.span_run
    import pipelines.monitoring.leave
    import pipelines.monitoring.monitoring_run
    import pipelines.production_metrics.command
    import pipelines.training  # noqa: F401, imported so that every fork has TFX loaded
