"""The parts of the camera process's flow; `platesieve.pipeline` is the order in which they follow each other."""
