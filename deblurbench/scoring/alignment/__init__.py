"""Aligning a prediction to its sharp picture by gain and homography, as RealBlur's script does."""
