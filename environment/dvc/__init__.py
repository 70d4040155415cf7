"""Install DVC, which keeps versions of data, in a separate environment."""
