"""Say it: values in, text or JSON out."""
