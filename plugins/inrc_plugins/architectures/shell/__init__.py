"""Shapes as signed distances in a narrow band: an octree of spline coefficients at the surface."""
