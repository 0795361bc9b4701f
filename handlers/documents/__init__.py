"""Papers for the certification of the electronic record: letter มท ๐๔๐๒.๕/ว ๓๕๗๘."""
