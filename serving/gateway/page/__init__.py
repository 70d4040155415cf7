"""The page at /: one form, made from the contract."""
