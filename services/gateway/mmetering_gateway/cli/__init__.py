"""The gateway's command line: each module is a command, or a part that several of them share.

A command asks over the broker where a gateway runs on this machine, and opens the bus itself where none does.
"""
