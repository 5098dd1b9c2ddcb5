"""The network of `miner` in PyTorch: fitting, and evaluation on a GPU."""
