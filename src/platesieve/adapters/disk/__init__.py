"""What lies on a disk: the audit log, the outbox, keys and settings."""
