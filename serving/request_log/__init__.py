"""The request log: a sample of requests and answers in Parquet. The gateway writes it, other programs read it."""
