"""Windows of scores in, findings with causes and signed webhooks out."""
