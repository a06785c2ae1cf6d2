"""Sharp pictures and their provenance."""
