"""The network of `siren` in PyTorch: fitting, and evaluation on a GPU."""
