"""Ingestion: spans of rows that arrive are checked, and accepted or put into quarantine. docs/how-to/spans.md."""
