"""A synthetic internet on loopback: real protocols, reserved names and addresses, a known truth."""
