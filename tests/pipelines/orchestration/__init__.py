"""Tests of pipelines/orchestration/."""
