"""VTK image data (`.vti`)."""
