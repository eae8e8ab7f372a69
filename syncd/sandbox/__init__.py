"""The rehearsal: an invented one-stop, a loopback portal that is strict and can fail, and a referee between them.

Nothing here is used in production. Everything is seeded, so that a rehearsal that went wrong can be run again, and
nothing here shares code with the connectors or the store: what they get wrong must show.
"""
