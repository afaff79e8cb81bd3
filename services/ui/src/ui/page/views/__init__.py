"""The pages: Market, Trade, Pipeline."""
