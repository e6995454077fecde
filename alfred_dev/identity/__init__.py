"""Who may call: signing keys, tokens, and the API keys of programs. Every mint needs a secret."""
