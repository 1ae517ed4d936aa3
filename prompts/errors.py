"""The one kind of error of this package that is meant for its user."""


class PromptError(ValueError):
    """Says what was expected, what came and what to do, with the template and the hole."""
