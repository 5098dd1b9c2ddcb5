"""NumPy files: single arrays (`.npy`) and archives of several (`.npz`)."""
