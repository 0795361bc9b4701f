PREFIX, PURPOSE = "/officer", "factor"
