"""What the media of plain arrays share: HDF5, Zarr, npz, FITS, MRC, NIfTI, NRRD, TIFF, VTI."""
