"""Architecture `siren`: sines on encoded coordinates, meta-learnt or not."""
