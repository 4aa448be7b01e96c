"""Referrals to a partner hotline, over its HTTP API."""
