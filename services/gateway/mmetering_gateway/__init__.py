"""From the meter to the topic: reads meters over Modbus, keeps every reading until it is receipted, publishes it.

The way of a reading: `poll` has a turn for it, `meter.reader` and `meter.fetch` read it over `bus.link`, `spool.spool`
keeps it, `publish.record` sends it.
"""
