"""The gateway for end users: typed JSON in, a prediction and a decision out. Runs without TensorFlow."""
