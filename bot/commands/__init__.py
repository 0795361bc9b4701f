"""The parts of the `kp7` command."""
