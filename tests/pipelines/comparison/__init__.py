"""Tests of pipelines/report/."""
