"""Research systems that `make bench-plugins` compares with their own storage."""
