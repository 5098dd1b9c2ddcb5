"""The network of `amgsrn` in PyTorch: fitting, and evaluation on a GPU."""
