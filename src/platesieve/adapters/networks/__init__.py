"""The networks on ONNX Runtime: ours, checked against the release, and a peer's."""
