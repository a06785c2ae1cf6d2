"""Paired statistics between methods: differences, intervals clustered by scene, tests, ranks with ties."""
