"""The formats in which a dataset's pictures lie on disk; pixel hashes and dataset id never depend on them."""
