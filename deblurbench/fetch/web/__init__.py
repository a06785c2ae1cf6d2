"""Asking sites politely and safely: robots, rates, quotas, retries, addresses, answers that are remembered."""
