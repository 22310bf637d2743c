"""Enrolment outside: the agency's folder, the device's folder, and HTTPS between them."""
