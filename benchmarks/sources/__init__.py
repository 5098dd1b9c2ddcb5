"""Arrays that the benchmarks encode, from a folder of data or from installed packages."""
