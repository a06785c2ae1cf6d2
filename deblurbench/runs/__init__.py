"""A run: a baseline trained on a dataset, its predictions and their scores."""
