"""Recipe, plan, build, manifest, verify: how a dataset comes to be and stays checkable."""
