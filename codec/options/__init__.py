"""Options that a caller may give, as frozen dataclasses; each default is written here once."""
