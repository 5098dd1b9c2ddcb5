"""HDF5 files that are not NetCDF: datasets, attributes and what a file keeps of their storage."""
