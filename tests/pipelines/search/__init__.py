"""Tests of the search, on a model that trains in a blink."""
