"""Saved payment methods, and the gateways that know the cards behind them."""
