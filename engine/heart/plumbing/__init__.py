"""Plumbing: the only sockets, devices, files being written and child processes of the engine."""
