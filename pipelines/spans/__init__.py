"""Spans: rows that arrive together, such as those of a quarter or a day. Names, patterns and choices; loads no TFX."""
