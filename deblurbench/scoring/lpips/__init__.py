"""LPIPS (Zhang et al., CVPR 2018), version 0.1, in PyTorch alone: torchvision is not needed."""
