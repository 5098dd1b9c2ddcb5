"""Fields too large to be held whole: encoded tile by tile, resumed, appended to, spread out."""
