"""How hard is a conversation, and in which order should training see the conversations?

Numpy and the standard library; a leaf that knows neither prompts nor models. `difficulties` measures,
a schedule such as `BabySteps` orders, and an `Order` is what training walks.
"""

from curriculum.difficulty import DIFFICULTIES, Measure, Turn, difficulties
from curriculum.errors import CurriculumError
from curriculum.order import Order, Phase
from curriculum.schedule import (
    SCHEDULES,
    BabySteps,
    Competence,
    OnePass,
    Reversed,
    Schedule,
    Shuffled,
    make_schedule,
)
from curriculum.wheel import Point, Wheel

__all__ = [
    "DIFFICULTIES",
    "SCHEDULES",
    "BabySteps",
    "Competence",
    "CurriculumError",
    "Measure",
    "OnePass",
    "Order",
    "Phase",
    "Point",
    "Reversed",
    "Schedule",
    "Shuffled",
    "Turn",
    "Wheel",
    "difficulties",
    "make_schedule",
]
