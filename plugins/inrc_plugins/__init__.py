"""Built-in plugins of inrc: architectures, pruners and quantisers, one module or folder each."""
