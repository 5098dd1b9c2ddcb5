"""Ways to find parameters that are not needed; `docs/plugins/pruning.md` compares them."""
