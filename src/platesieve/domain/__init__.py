"""The words we use. Standard library only: no I/O, no clock, no arrays."""
