"""Tests of pipelines/charts/."""
