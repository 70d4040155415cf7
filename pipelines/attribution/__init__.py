"""Explain a model's predictions by raw column: importance, effects, and contributions to single predictions.

This package does not depend on a model. It gets predictions from a function of type `Ask`, whose caller holds a table
of rows. A question says for each column from which row of the table its value comes. So a missing value stays missing,
and the model receives only values that rows have.
"""
