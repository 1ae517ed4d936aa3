"""The one error of this package that is meant for the person in front of the screen."""


class StoreError(ValueError):
    """Says what was expected, what came and what to do, with the file, line or id."""
