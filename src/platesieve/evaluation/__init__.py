"""How good it is, on pictures and clips whose plates are known. Only counts leave this package, never a plate."""
