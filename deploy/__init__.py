"""Images, compose, Kubernetes, delivery and monitoring of Scorebox."""
