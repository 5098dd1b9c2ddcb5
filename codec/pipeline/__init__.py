"""The pipeline: fields to models and models to fields."""
