"""Named ways to turn (prediction, sharp) into numbers."""
