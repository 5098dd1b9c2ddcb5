"""NetCDF files, read and written without scaling, masking or decoding anything."""
