"""Words in, words out: fills versioned templates and reads the answers of language models.

Jinja2 and the standard library; a leaf that knows neither conversations nor models.
"""

from prompts.answer import read_emotion, read_object
from prompts.errors import PromptError
from prompts.marks import mark, marked, replace_marks
from prompts.template import Template, load_template

__all__ = [
    "PromptError",
    "Template",
    "load_template",
    "mark",
    "marked",
    "read_emotion",
    "read_object",
    "replace_marks",
]
