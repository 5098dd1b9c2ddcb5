"""Parts that several architectures share and that need PyTorch."""
