"""The closed-form pyramid coder: transforms of whole volumes, without any training."""
