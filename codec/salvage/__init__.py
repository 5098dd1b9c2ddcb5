"""What is left of a damaged `.inrc` file, as a legal file again."""
