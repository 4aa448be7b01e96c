"""A whole hotline beside a synthetic internet: what newcomers see, and what proves that the house works.

The people of the day act through the same steps that the pages call; the machine's part is played by the real
engine, prober, outbox and servers. What is not here: the world (`openhotline/world`).
"""
