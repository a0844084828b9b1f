"""Get applications scored: over HTTP, by the service, as any other caller would."""
