"""The container: bytes in, sections out. It knows nothing of tensors, networks or media."""
