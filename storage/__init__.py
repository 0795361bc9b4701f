"""Where everything is kept: database, sealing, records shared by several topics."""
