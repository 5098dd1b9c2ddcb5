"""Commands of `inrc`, a module each."""
