"""E-learning certificates and the KPI of a unit: letters พร ๐๐๒๓.๑/๑๗๒, มท ๐๘๐๒.๔/ว ๕๕๕๙."""
