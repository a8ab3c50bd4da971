"""Run a built kernel on a device and hold its outputs against the golden model."""
