"""From weights to restored pictures."""
