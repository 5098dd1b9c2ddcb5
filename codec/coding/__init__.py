"""Models, masks and residuals as sections of a file, and sections as values again."""
