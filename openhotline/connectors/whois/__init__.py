"""WHOIS on port 43 (RFC 3912): the fallback where a registry's RDAP gave nothing."""
