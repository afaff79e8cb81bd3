"""Builds the Grafana dashboards from code."""
