"""Files of a medium encoded into `.inrc` files, tile by tile where fields are large."""
