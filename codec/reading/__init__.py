"""Open files: fields and shapes that are decoded no further than they are asked for."""
