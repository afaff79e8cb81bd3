"""Draws a dashboard as Grafana would lay it out, from its JSON and the answers of a real Prometheus, with matplotlib.

For where no Grafana can run. Layout, queries, colours and units are the dashboard's own; the drawing is not Grafana's.
"""
