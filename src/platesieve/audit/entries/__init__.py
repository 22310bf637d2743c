"""The kinds of entry, by what they tell of: rules, reading, the device, people. `audit.entry` is their union."""
