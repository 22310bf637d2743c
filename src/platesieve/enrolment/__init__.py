"""How a device becomes known to its agency: keys, requests, tokens, certificates; values in, values out."""
