"""Questions to name servers, and what their answers mean."""
