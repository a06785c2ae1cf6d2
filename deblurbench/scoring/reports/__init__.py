"""Scores as tables, CSV files and sheets of pictures."""
