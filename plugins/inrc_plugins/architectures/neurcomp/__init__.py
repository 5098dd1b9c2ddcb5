"""Architecture `neurcomp`: residual blocks of sines over the coordinates (Lu et al., CGF 2021)."""
