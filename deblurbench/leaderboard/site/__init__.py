"""The static site of a board: pages that work from a disk and from any plain web host."""
