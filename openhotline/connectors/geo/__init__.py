"""Origin network and country of an address, from MMDB files the operator supplies."""
