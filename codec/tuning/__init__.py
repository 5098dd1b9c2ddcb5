"""Searching the settings of plugins for the best trade of bytes, PSNR and time."""
