"""The `inrc` command line; it speaks to the codec through `codec`'s public names only."""
