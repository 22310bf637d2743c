"""This machine: its clocks, its processes, and the pipe between them."""
