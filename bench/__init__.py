"""KP7 measured beside its peers: `make bench`, `python -m bench --help`."""
