"""The baselines that ship with deblurbench. Importing this package imports no torch."""
