"""Tests of pipelines/runner/."""
