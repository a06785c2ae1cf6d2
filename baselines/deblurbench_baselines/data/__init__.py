"""From a dataset to batches of crops. Every feed gives the same pixels; they differ in memory and speed alone."""
