"""The kinds of features. Each class has a feature's fields, its computation, and its form as a model's input."""
