"""The installer's page: a camera is aimed at a street from a phone, and then the page is gone.

It sees pixels and speaks to a network, so it never runs beside the camera process but instead of it, for at most half
an hour, after a person at the device switched it on.
"""
