"""`kp7 doctor`: looks at every setting and every peer, and says in one sentence what is wrong and how to mend it.

One file a peer. A check is an async generator of findings; `bot.doctor.rounds` runs them all side by side. Rules:

- It changes nothing that lasts and writes to nobody, except that `--mail-to` sends one mail.
- It speaks only to hosts that the settings name.
- No sentence holds a secret or anything personal: findings are made of our own words, names of settings, hosts, codes.
"""
