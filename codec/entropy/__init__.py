"""The entropy layer: integers to streams of bytes and back, exactly, on every machine."""
