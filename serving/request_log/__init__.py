"""The request log: a sample of requests and answers in Parquet, as the gateway writes it and others read it."""
