"""Wanted plates, held in RAM, and the question whether a plate is one of them."""
