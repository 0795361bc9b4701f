"""Who somebody is: log in with a mailed code, register an e-mail address, own data, log out.

Procedures: letters นร ๑๐๑๓.๓/๒๑๖ (codes by mail, laser code, single sign-on the next day) and มท ๐๔๐๒.๕/ว ๓๕๗๘ (login).
"""
