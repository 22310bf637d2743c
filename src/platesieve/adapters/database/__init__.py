"""What a collector keeps, in SQLite or PostgreSQL."""
