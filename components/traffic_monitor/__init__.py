"""Test whether served traffic still has the distribution that the model was trained on, with two-sample tests."""
