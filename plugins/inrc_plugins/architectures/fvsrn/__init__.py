"""Architecture `fvsrn`: a latent grid under a small network (Weiss et al., CGF 2022)."""
