"""What end users call: typed JSON in, a probability and a decision out. Runs without TensorFlow."""
