"""Static coder of lattices: contexts of finished rows, tables of 12 bits, interleaved lanes."""
