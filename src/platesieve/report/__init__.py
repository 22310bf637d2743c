"""Statutory reports, out of the entries of an audit log alone: pure, exact, the same for everybody who has the log."""
