"""The review desk on the web: `/console`, for officers who have proved their second factor in this browser.

`entering.py` lets them in, `seats.py` says who sits there, `reading.py` what an item shows, `api.py` answers the page's
scripts, `pages.py` makes the pages themselves.
"""
