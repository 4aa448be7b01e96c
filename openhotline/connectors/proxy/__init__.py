"""Signs that a CDN or a reverse proxy stands in front: its address ranges, its headers."""
