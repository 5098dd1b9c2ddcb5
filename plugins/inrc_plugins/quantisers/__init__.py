"""Ways to turn tensors into integers; `docs/plugins/quantisation.md` compares them."""
