"""HTTP's own matters: the face of the hot routes, errors, request ids, logs, metrics, limits, shutdown."""
