"""Letters by SMTP: rendered once, sent as frozen bytes, with an answer that never guesses."""
