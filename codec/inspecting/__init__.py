"""Contents of a file listed, and its promises checked against the original."""
