"""The protocols that ship: one file per family."""
