"""Ingestion: check new spans of rows, and accept or quarantine them. See docs/how-to/spans.md."""
