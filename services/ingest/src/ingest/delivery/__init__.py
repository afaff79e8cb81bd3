"""At-least-once delivery of accepted trades to analytics."""
