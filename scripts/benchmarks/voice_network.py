"""A small convolutional network on frames of voices: what features are worth to a model that hears order. One thread."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

HIDDEN, EPOCHS, BATCH = 96, 25, 32

Labelled = Sequence[tuple[np.ndarray, int]]  # frames (T, D) and the number of the label


class VoiceNetwork(nn.Module):
    """Two convolutions over time, mean and deviation of what comes out, one linear layer."""

    def __init__(self, width: int, labels: int) -> None:
        super().__init__()
        self.enter = nn.Linear(width, HIDDEN)
        self.over_time = nn.ModuleList(nn.Conv1d(HIDDEN, HIDDEN, 5, padding=2) for _ in range(2))
        self.dropout = nn.Dropout(0.3)
        self.leave = nn.Linear(2 * HIDDEN, labels)

    def forward(self, frames: torch.Tensor, heard: torch.Tensor) -> torch.Tensor:
        """(B, T, D), and 1 where there is a frame, (B, T, 1), become (B, labels)."""
        states = self.enter(frames) * heard
        for convolution in self.over_time:
            moved = torch.relu(convolution(states.transpose(1, 2)).transpose(1, 2))
            states = states + self.dropout(moved) * heard
        count = heard.sum(dim=1)
        mean = (states * heard).sum(dim=1) / count
        spread = (((states - mean[:, None]) * heard).square().sum(dim=1) / count + 1e-4).sqrt()
        return self.leave(self.dropout(torch.cat([mean, spread], dim=1)))


def answers(train: Labelled, test: Sequence[np.ndarray], labels: int, seed: int = 0) -> list[int]:
    """Trains on what is given; a fifth of each recording at most is masked, anew each time."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = VoiceNetwork(train[0][0].shape[1], labels)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
    steps = EPOCHS * (len(train) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    for _ in range(EPOCHS):
        order = rng.permutation(len(train))
        for begin in range(0, len(train) - BATCH + 1, BATCH):
            rows = [train[at] for at in order[begin : begin + BATCH]]
            given = network(*_batch([_masked(frames, rng) for frames, _ in rows]))
            gold = torch.tensor([label for _, label in rows])
            loss = nn.functional.cross_entropy(given, gold, label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    network.eval()
    with torch.inference_mode():
        return network(*_batch(test)).argmax(dim=1).tolist()


def _masked(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    length = int(len(frames) * 0.2 * rng.random())
    begin = rng.integers(0, len(frames) - length + 1)
    frames = frames.copy()
    frames[begin : begin + length] = 0
    return frames


def _batch(rows: Sequence[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    frames = torch.zeros(len(rows), max(map(len, rows)), rows[0].shape[1])
    heard = torch.zeros(*frames.shape[:2], 1)
    for at, row in enumerate(rows):
        frames[at, : len(row)] = torch.from_numpy(row)
        heard[at, : len(row)] = 1
    return frames, heard
