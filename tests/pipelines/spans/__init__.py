"""Tests of pipelines/spans/."""
