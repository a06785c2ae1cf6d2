"""Kernels, their integer form, exact convolution, and the estimation of an unknown kernel."""
