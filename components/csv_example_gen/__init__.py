"""Read CSV files into tf.Examples, typed by the contract."""
