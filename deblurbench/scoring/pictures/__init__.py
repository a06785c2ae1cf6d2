"""From files, arrays and tensors to pairs of pictures, each read as a protocol's script reads it."""
