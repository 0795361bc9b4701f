"""The servers that are measured, each one process: `python -m bench.subjects.NAME PORT API_URL`."""
