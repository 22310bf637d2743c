"""Signed documents on their way in: fetched, verified, kept, and unpacked in RAM; and how an agency publishes them."""
