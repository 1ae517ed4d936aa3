"""Words of suicide and self-harm are found in their forms, and the figures of speech around them are not."""

import pytest

from prc_emo.chat.replies.crisis import speaks_of_crisis

MEANT = [
    "I want to kill myself.",
    "i'm gonna KILL MYSELF",
    "I keep thinking about killing myself",
    "Sometimes I think about suicide.",
    "I've been feeling suicidal since March.",
    "I just want to end it all",
    "Maybe I should end my life.",
    "He said he would take his own life.",
    "I don't want to live anymore",
    "I don’t want to be alive.",
    "I wish I was dead",
    "I wish I'd never been born",
    "Everyone would be better off without me.",
    "They'd all be better off dead... I mean me.",
    "There is no reason to live.",
    "I have nothing to live for.",
    "I want to die.",
    "i wanna die",
    "I've started cutting myself again.",
    "I hurt myself when it gets too much.",
    "I burned myself on purpose.",
    "My self-harm is back.",
    "I took all my pills.",
    "I overdosed last year.",
    "I can't go on living like this.",
    "This job is killing me, and I want to die.",
    "I want to die laughing? No. I want to die.",
    "She said she was going to kill herself.",
    "I hate myself and I want to hurt myself",
    "I'd rather be dead.",
    "I want to disappear forever.",
    "I would rather die than go on",
    "I wish I wasn't alive",
    "There is no point in living",
    "I can't go on",
    "I have been cutting again",
    "I just want to sleep forever",
]
HARMLESS = [
    "This job is killing me.",
    "My feet are killing me!",
    "I could kill for a coffee.",
    "I'm dying to see it.",
    "I died laughing.",
    "I want to die laughing.",
    "I wanted to die of embarrassment.",
    "He'll kill me when he sees the car.",
    "I killed it on stage tonight!",
    "The battery died.",
    "My plant is dead.",
    "We watched Suicide Squad.",
    "That would be political suicide.",
    "I cut myself shaving.",
    "I burned myself on the oven.",
    "I hurt myself at football.",
    "I cut myself a slice of cake.",
    "I should cut myself some slack.",
    "What do you want to do with your life?",
    "End of story.",
    "Let's end it here.",
    "I can't live without chocolate.",
    "The deadline is Friday.",
    "I nearly overdosed on chocolate.",
    "It hurts.",
    "I don't want to live in Leeds.",
    "We took the pills to the pharmacy.",
    "I jumped off the bus.",
    "He was killing himself laughing.",
    "I enjoy myself.",
    "I can't go on holiday in June.",
    "This can't go on.",
]


@pytest.mark.parametrize("text", MEANT)
def test_it_is_found(text: str) -> None:
    assert speaks_of_crisis(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_a_figure_of_speech_is_not(text: str) -> None:
    assert not speaks_of_crisis(text)


def test_a_hundred_pages_are_looked_through_at_once() -> None:
    assert not speaks_of_crisis("I want to see my own life in the end. " * 20_000)
