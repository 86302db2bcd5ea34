"""One meter on a bus: identified, read group by group, judged, and found to be there or not."""
