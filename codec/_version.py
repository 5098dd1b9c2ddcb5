"""The version of the package; the version of the format is in `codec.format.sections`."""

__version__ = "0.1.0"
