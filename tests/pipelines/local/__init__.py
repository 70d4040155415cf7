"""Tests of pipelines/local/."""
