"""One file a channel: its payload to events, our messages to its payload. Nothing else."""
