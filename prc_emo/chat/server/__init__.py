"""The HTTP API over one recognizer: `batching` puts requests together, `app` has the routes, `run` listens. See the README."""

KEY = "PRC_EMO_KEY"  # the environment variable of the key that clients bring
