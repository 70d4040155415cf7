"""Read CSV and Parquet files as tf.Examples with the types of the contract."""
