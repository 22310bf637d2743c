"""Where frames come from: every camera, clip and folder behind one port."""
