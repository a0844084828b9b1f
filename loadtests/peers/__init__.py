"""The same product as other servers would offer it: small programs that a fair rival would write."""
