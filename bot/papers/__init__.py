"""The room where papers come in: bytes in, bytes out. It knows nothing of chats, people or databases.

`Papers` in `room.py` is all that the rest of the house sees, with the shapes of `shapes.py`. Whatever parses a file of
somebody else's runs in a child process of its own (`process.py` starts it, `jail.py` takes everything from it that it
does not need, `child.py` is its table of jobs); what it says is weighed by `answers.py` before anybody believes it.

Nothing is imported here: each child pays for it.
"""
