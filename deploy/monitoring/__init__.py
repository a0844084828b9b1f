"""Prometheus, Alertmanager, Grafana and Loki for Scorebox."""
