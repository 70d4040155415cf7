"""Simple models on the raw columns, fitted to the rows that our model was fitted to: what it has to beat."""
