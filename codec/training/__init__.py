"""Training of networks by gradients; the only folder of the codec that imports PyTorch."""
