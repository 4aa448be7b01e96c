"""Many made-up sites with a known truth and the lies real sources tell, to score the vote of a trace against.

True here: everything is drawn from a seed, and nothing knows how the vote weighs. What the sources say is rendered as
they would send it (RDAP JSON, WHOIS text, records of location files, times); reading it is the connectors' work
(`jobs/readings.py`). No socket is opened: `world serve` and tests/world do that for fewer sites.
"""
