"""Parts that media of arrays share: HDF5, Zarr, npz, FITS, MRC, NIfTI, NRRD, TIFF, VTI, raw."""
