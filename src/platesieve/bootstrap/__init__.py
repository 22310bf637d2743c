"""The composition roots: the only place that names concrete adapters, one file for each thing put together.

Heavy modules are imported where they are needed: the uplink process never loads a model's runtime, and the camera
process never loads an MQTT client. Tests pass other parts.
"""
