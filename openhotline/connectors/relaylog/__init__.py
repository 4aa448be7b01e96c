"""What the mail relay's own log says about our letters."""
