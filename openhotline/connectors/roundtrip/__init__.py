"""What a round trip rules out: no answer comes back faster than light."""
