"""Files coded anew from their models, without the original values."""
