"""A second, tiny task: disease progression after one year, a regression on data that scikit-learn ships.

It shows that the wiring knows no taxi: same create_pipeline, same gates, same runner, another label and another model.
"""
