"""The network of `hashgrid` in PyTorch: fitting, and evaluation on a GPU."""
