"""Architecture `hashgrid`: multiresolution hash encoding (Mueller et al., ACM TOG 2022)."""
