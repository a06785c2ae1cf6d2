"""Standings and the tables made of them: CSV, Markdown, LaTeX and JSON."""
