"""The way in from mmetering-server, the predecessor.

Its readings travel like those of any gateway, with the old row's id as seq.
"""
