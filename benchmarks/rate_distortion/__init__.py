"""Rate-distortion curves of inrc and its peers: the sweep over settings, and the comparisons."""
