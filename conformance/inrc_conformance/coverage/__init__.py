"""Coverage of the format text by the vectors."""
