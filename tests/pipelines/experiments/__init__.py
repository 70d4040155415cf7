"""Tests of the portfolio, on a model that trains in a blink."""
