"""Keys and what each may do: rate, quota, tokens, uploads. Who may call, and when."""
