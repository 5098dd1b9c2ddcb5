"""Media: files that people have, turned into `Field`s, and decoded fields turned into files."""
