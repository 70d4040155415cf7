"""Measurements. Tests never assert them; each is printed beside what it is compared with."""
