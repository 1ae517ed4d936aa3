"""One folder per model to compare with. The bench finds them by looking; nothing else imports them."""
