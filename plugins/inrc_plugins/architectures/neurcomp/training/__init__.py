"""The network of `neurcomp` in PyTorch: fitting, and evaluation on a GPU."""
