"""The broker, and what an event looks like to those who subscribe."""
