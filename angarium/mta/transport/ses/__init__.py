"""Amazon SES by its API: a second kind of transport beside SMTP. Start with ``connection.SesConnector``."""
