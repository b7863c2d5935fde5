"""Models that leave the house: into nn~ for Max and Pd, into ONNX, into TorchScript. See `files.export_model`."""
