"""The TFX pipelines, the command line that runs them, and one folder for each prediction task."""
