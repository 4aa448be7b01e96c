"""Questions to address registries (RFC 9082), and what their answers mean (RFC 9083)."""
