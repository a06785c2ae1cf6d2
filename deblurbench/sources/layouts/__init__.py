"""How published datasets of blurred/sharp pairs lie on disk, and how their pairs are found there."""
