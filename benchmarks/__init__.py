"""Measurements. Tests never assert them; each is printed next to what it is compared with."""
