"""Repair: a legal file from the intact sections of a damaged `.inrc` file."""
