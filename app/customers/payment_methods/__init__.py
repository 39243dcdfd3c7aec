"""Saved payment methods, and the payment gateways that store the cards behind them."""
