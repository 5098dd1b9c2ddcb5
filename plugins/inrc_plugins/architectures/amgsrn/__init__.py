"""Architecture `amgsrn`: latent grids that move to where they are needed (Wurster et al., 2023)."""
