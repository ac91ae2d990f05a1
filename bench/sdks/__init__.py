"""Real SDKs against a fake of the providers' HTTP APIs: `python -m bench.sdks`."""
