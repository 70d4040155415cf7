"""Simple models on the raw columns, fitted to the same rows as our model, which has to beat them."""
