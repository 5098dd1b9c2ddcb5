"""Triangle meshes: reading, writing, and exact distances to their surface."""
