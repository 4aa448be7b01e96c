"""A TLS handshake, and what the certificate in it says. No request is sent."""
