"""The exchange between hotlines: referrals out, reports and answers in, over its HTTP API."""
