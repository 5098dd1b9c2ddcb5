"""Written results: the machine they come from, and the sections of RESULTS.md."""
