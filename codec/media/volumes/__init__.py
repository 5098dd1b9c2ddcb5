"""Volumes of one library each: FITS, MRC, NIfTI, NRRD, TIFF stacks and raw samples."""
