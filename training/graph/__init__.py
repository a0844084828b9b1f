"""From features and a fitted model to the ONNX graphs that score and explain."""
