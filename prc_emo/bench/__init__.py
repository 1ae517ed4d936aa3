"""The referee: what a recognizer must do, how its answers are scored, compared and shown. Knows no model."""
