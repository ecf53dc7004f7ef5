"""What all workers share by way of Redis: rates, tokens, budget, uploads, known offers."""
