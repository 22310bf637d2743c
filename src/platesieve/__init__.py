"""A licence-plate reader that forgets: private reads, public accountability."""

__version__ = "0.1.0"
