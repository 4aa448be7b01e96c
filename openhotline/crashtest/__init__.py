"""kill -9 of any process at random moments, and what was promised holds afterwards: `openhotline crashtest`."""
