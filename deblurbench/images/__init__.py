"""The one place that decodes, encodes, resizes and hashes pictures."""
