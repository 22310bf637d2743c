"""One file per outside thing; third-party types stop here."""
