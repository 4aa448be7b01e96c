"""What police elsewhere are handed, as STIX 2.1."""
