"""A mail server that keeps what it is sent: SMTP in, a page and Mailpit's v1 API to look at it.

``receive`` takes mail, ``letter`` reads it (pure), ``store`` keeps it in SQLite, ``web`` shows it.
"""
