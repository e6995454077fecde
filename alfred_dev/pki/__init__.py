"""The local CA: certificates, where they lie, and who trusts them."""
