"""Files as bytes: random access for reading, and writing that replaces a whole file or nothing."""
