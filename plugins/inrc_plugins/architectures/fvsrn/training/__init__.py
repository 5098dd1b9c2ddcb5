"""The network of `fvsrn` in PyTorch: fitting, and evaluation on a GPU."""
