"""Submissions and the tables made of them."""
