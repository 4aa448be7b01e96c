"""The verbs of the one command, a file a group. Thin: they read, call a room, and print."""
