"""Runner of the vectors against any decoder."""
