"""Nets and layers that several models share, in torch, for training; they are shipped as ONNX graphs."""
