"""The audit log as a format: bytes in, verdict out. Pure; FORMAT.md beside this is the written law."""
