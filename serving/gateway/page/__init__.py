"""The page at /: a form made from the contract."""
