"""Says whether served traffic still is what the model was trained on, by two-sample tests of rows."""
