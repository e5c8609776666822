"""A transformer of about 0.1 million parameters over the signs of `signs.py`: it reads, is trained, and samples."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from cotfactory.generators.students.signs import END_ID, LONGEST, PADDING_ID, SIGNS

WIDTH, HEADS, LAYERS = 64, 4, 2
Cache = list[tuple[Tensor, Tensor]]


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.before_attention, self.before_mixing = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.asked = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.answered = nn.Linear(WIDTH, WIDTH, bias=False)
        self.mixing = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x: Tensor, past: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        rows, length, _ = x.shape
        parts = self.asked(self.before_attention(x)).view(rows, length, 3, HEADS, WIDTH // HEADS)
        query, key, value = (part.transpose(1, 2) for part in parts.unbind(2))
        if past is not None:
            key, value = torch.cat((past[0], key), 2), torch.cat((past[1], value), 2)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=past is None)
        x = x + self.answered(mixed.transpose(1, 2).reshape(rows, length, WIDTH))
        return x + self.mixing(self.before_mixing(x)), (key, value)


class StudentModel(nn.Module):
    """Signs in, a score for each possible next sign out."""

    def __init__(self) -> None:
        super().__init__()
        self.signs, self.places = nn.Embedding(len(SIGNS), WIDTH), nn.Embedding(LONGEST, WIDTH)
        self.blocks = nn.ModuleList(_Block() for _ in range(LAYERS))
        self.last = nn.LayerNorm(WIDTH)
        self.scores = nn.Linear(WIDTH, len(SIGNS), bias=False)

    def forward(self, ids: Tensor, past: Cache | None = None) -> tuple[Tensor, Cache]:
        """Return the scores after each of `ids` (rows, length), and what later signs need of them."""
        begin = 0 if past is None else past[0][0].shape[2]
        x = self.signs(ids) + self.places.weight[begin : begin + ids.shape[1]]
        cache: Cache = []
        for number, block in enumerate(self.blocks):
            x, kept = block(x, None if past is None else past[number])
            cache.append(kept)
        return self.scores(self.last(x)), cache


def new_student(seed: int) -> StudentModel:
    """Return a student that has learned nothing yet."""
    torch.manual_seed(seed)
    return StudentModel()


def save_student(model: StudentModel, path: Path) -> None:
    """Write the weights down."""
    torch.save(model.state_dict(), path)


def load_student(path: Path) -> StudentModel:
    """Read the weights of a student; a file of anything but tensors is refused by torch."""
    model = StudentModel()
    model.load_state_dict(torch.load(path, weights_only=True))
    return model


@torch.inference_mode()
def sample(
    model: StudentModel, prompts: Sequence[Sequence[int]], seeds: Sequence[int], temperature: float, most: int
) -> list[list[int]]:
    """Return up to `most` signs that follow each prompt (all of the same length), one row for each seed.

    What a prompt gets depends on it, its seed and the model alone, not on the rows beside it: the model is one of
    doubles, so that the shape of a batch moves no choice. Temperature 0 takes the likeliest sign.
    """
    ids = torch.tensor([list(prompt) for prompt in prompts])
    most = min(most, LONGEST - ids.shape[1])
    noise = torch.from_numpy(
        np.stack([_noise(prompt, seed, most) for prompt, seed in zip(prompts, seeds, strict=True)])
    )
    scores, cache = model(ids)
    said: list[Tensor] = []
    ended = torch.zeros(len(ids), dtype=torch.bool)
    for place in range(most):
        last = scores[:, -1]
        chosen = (last / temperature + noise[:, place] if temperature > 0 else last).argmax(-1)
        chosen = torch.where(ended, PADDING_ID, chosen)
        said.append(chosen)
        ended |= chosen == END_ID
        if bool(ended.all()) or place == most - 1:
            break
        scores, cache = model(chosen[:, None], cache)
    return torch.stack(said, 1).tolist()  # type: ignore[no-any-return]


def _noise(prompt: Sequence[int], seed: int, most: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return Gumbel noise: the largest of scores with it is a draw from their softmax."""
    rng = np.random.default_rng([seed & 0xFFFFFFFFFFFFFFFF, *prompt])
    return -np.log(rng.standard_exponential((most, len(SIGNS))))


def fit(model: StudentModel, batches: Sequence[Sequence[tuple[Sequence[int], Sequence[int]]]], rate: float) -> float:
    """Take one step for each batch of (prompt, chain), learning the chains alone; return the last loss.

    The rate rises over the first tenth of the steps, and falls to a tenth of itself at the end.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    warm, loss = max(1, len(batches) // 10), 0.0
    model.train()
    for step, batch in enumerate(batches):
        share = min(1.0, (step + 1) / warm)
        falling = 0.55 + 0.45 * math.cos(math.pi * step / max(1, len(batches)))
        for group in optimizer.param_groups:
            group["lr"] = rate * share * falling
        length = max(len(prompt) + len(chain) for prompt, chain in batch)
        ids = torch.full((len(batch), length), PADDING_ID)
        target = torch.full((len(batch), length), -100)
        for row, (prompt, chain) in enumerate(batch):
            both = [*prompt, *chain]
            ids[row, : len(both)] = torch.tensor(both)
            target[row, len(prompt) - 1 : len(both) - 1] = torch.tensor(chain)
        scores, _ = model(ids)
        found = functional.cross_entropy(scores.flatten(0, 1), target.flatten(), ignore_index=-100)
        optimizer.zero_grad(set_to_none=True)
        found.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss = found.item()
    return loss
