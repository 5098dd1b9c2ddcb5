"""Context mixing: the coder of transform coefficients (format_spec/inrc-1.md, section 7.4)."""
