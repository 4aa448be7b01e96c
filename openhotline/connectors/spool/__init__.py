"""Letters handed to the site's own mail server through a directory."""
