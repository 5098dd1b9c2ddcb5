"""Architecture `miner`: a Laplacian pyramid of small networks per block (MINER, 2022)."""
