"""Images: pixels, colour profiles and EXIF, read and written."""
