"""Warnings about results that are probably mistakes. Each check has a rule that honest predictions do not meet."""
