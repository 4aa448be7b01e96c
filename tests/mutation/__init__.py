"""Does any test notice? `python -m tests.mutation` changes the rules, one thing at a time (see `run`)."""
