"""Takes secrets and personal data out of requests before the first byte is written."""
