"""Adapters to other libraries, a module each, which imports its library when it is first used."""
