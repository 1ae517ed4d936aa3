"""The HTTP API over one recognizer: `batching` puts requests together, `app` has the routes, `run` listens. See the README."""
