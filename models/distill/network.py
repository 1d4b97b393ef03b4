"""A pretrained transformer with one output for every label and domain, and how it learns.

In: texts in which the actors are masked, and targets between 0 and 1. Out: a trained `Network`. It runs on the processor; the words that
stand for masked actors get vectors of their own, which begin as the mean of those of some countries (blocs, names).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from transformers import AutoModel

from models.actors.mask import BLOC_WORD, STATE_WORDS
from models.distill.plan import Plan
from models.encoder import MAX_PIECES
from models.labels import DOMAINS, LABELS

_COUNTRIES = "russia china france turkey india japan iran germany poland egypt vietnam serbia armenia israel brazil"
_BLOCS = "nato asean eu alliance union"
#: Word for an actor -> words whose mean its vector begins as.
BEGINNINGS = dict.fromkeys(STATE_WORDS, _COUNTRIES) | {BLOC_WORD: _BLOCS}
_NOISE = 0.3
_DOMAIN_WEIGHT = 0.3
_HEAD_RATE = 5.0
_WARM_UP = 0.1
_DECAY = 0.01
#: Logits beyond this say no more than certainty.
_MAX_LOGIT = 12.0

Floats = NDArray[np.float64]


class Network(torch.nn.Module):
    """A transformer whose mean output goes through one linear layer.

    Args:
        folder: of a pretrained model: `config.json`, `model.safetensors`, `tokenizer.json`.
        dropout: share of the activations left out in training.
    """

    def __init__(self, folder: Path, dropout: float) -> None:
        super().__init__()
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.tokenizer.add_tokens(list(BEGINNINGS))
        self.body = AutoModel.from_pretrained(str(folder))
        self._add_actor_words()
        for module in self.body.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = dropout
        self.dropout = torch.nn.Dropout(dropout)
        self.head = torch.nn.Linear(self.body.config.hidden_size, len(LABELS) + len(DOMAINS))
        torch.nn.init.normal_(self.head.weight, std=0.02)
        torch.nn.init.zeros_(self.head.bias)

    def _add_actor_words(self) -> None:
        numbers = [self.tokenizer.token_to_id(word) for word in BEGINNINGS]
        known = self.body.get_input_embeddings().weight.shape[0]
        self.body.resize_token_embeddings(max(known, max(numbers) + 1), mean_resizing=False)
        vectors = self.body.get_input_embeddings().weight.data
        generator = torch.Generator().manual_seed(1)
        for number, words in zip(numbers, BEGINNINGS.values(), strict=True):
            like = vectors[[self.tokenizer.token_to_id(word) for word in words.split() if self.tokenizer.token_to_id(word)]]
            noise = torch.randn(like.shape[1], generator=generator)
            vectors[number] = like.mean(0) + _NOISE * vectors.std() * noise

    def forward(self, pieces: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        """`(n_texts, n_targets)` log-odds of `(n_texts, length)` numbers of pieces, where `present` is 1 and not 0."""
        states = self.body(input_ids=pieces, attention_mask=present).last_hidden_state
        mean = (states * present[..., None]).sum(1) / present.sum(1, keepdim=True)
        return self.head(self.dropout(mean))

    def pieces(self, text: str) -> list[int]:
        """Numbers of the text's pieces, at most `MAX_PIECES`."""
        numbers: list[int] = self.tokenizer.encode(text).ids
        return numbers if len(numbers) <= MAX_PIECES else [*numbers[: MAX_PIECES - 1], numbers[-1]]

    def padded(self, batch: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """(pieces, present), each as wide as the longest text of the batch."""
        width = max(map(len, batch))
        pieces = torch.full((len(batch), width), self.body.config.pad_token_id)
        present = torch.zeros((len(batch), width), dtype=torch.long)
        for row, numbers in enumerate(batch):
            pieces[row, : len(numbers)] = torch.tensor(numbers)
            present[row, : len(numbers)] = 1
        return pieces, present


def pretrained(folder: Path, plan: Plan) -> Network:
    """The network that a pretrained model begins as: `plan` seeds what it does not bring."""
    torch.manual_seed(plan.seed)
    return Network(folder, plan.dropout)


def train_network(network: Network, texts: Sequence[str], targets: Floats, plan: Plan, say: Callable[[str], None]) -> None:
    """Teaches `network` the `targets` (`(n_texts, n_targets)`, 0..1: flags, or other networks' probabilities) of `texts`.

    Args:
        network: is changed.
        texts: with masked actors.
        targets: labels first, then domains, which count `_DOMAIN_WEIGHT` as much.
        plan: how.
        say: is told the loss of every epoch.
    """
    torch.manual_seed(plan.seed)
    inputs, wanted = [network.pieces(text) for text in texts], torch.tensor(targets, dtype=torch.float32)
    steps = plan.epochs * math.ceil(len(inputs) / plan.batch)
    optimizer = torch.optim.AdamW(_groups(network, plan))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate_share(step, steps))
    for epoch in range(plan.epochs):
        network.train()
        total = 0.0
        for rows in _batches(inputs, plan, epoch):
            loss = _loss(network, [inputs[k] for k in rows], wanted[rows])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item() * len(rows)
        say(f"epoch {epoch + 1} of {plan.epochs}: loss {total / len(inputs):.3f}")
    network.eval()


def averaged(networks: Sequence[Network]) -> Network:
    """A network whose weights are the mean of those of `networks`, which began alike; the first of them is changed."""
    states = [network.state_dict() for network in networks]
    mean = {
        name: torch.stack([state[name].float() for state in states]).mean(0).to(value.dtype) for name, value in states[0].items()
    }
    networks[0].load_state_dict(mean)
    networks[0].eval()
    return networks[0]


def probabilities(network: Network, texts: Sequence[str], batch: int = 64) -> Floats:
    """`(n_texts, n_targets)`: the network's probabilities, texts of like length together."""
    inputs = [network.pieces(text) for text in texts]
    order = np.argsort([len(numbers) for numbers in inputs], kind="stable")
    found = np.zeros((len(texts), len(LABELS) + len(DOMAINS)))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            logits = network(*network.padded([inputs[k] for k in rows])).float()
            found[rows] = torch.sigmoid(logits.clamp(-_MAX_LOGIT, _MAX_LOGIT)).numpy()
    return found


def _loss(network: Network, batch: Sequence[Sequence[int]], wanted: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(*network.padded(batch))
    parts = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), wanted, reduction="none")
    count = len(LABELS)
    return (parts[:, :count].mean(1) + _DOMAIN_WEIGHT * parts[:, count:].mean(1)).mean()


def _rate_share(step: int, steps: int) -> float:
    """Share of the highest rate at a step: up over the first tenth, then down to 0."""
    return min((step + 1) / (_WARM_UP * steps), max(0.0, (steps - step) / ((1 - _WARM_UP) * steps)))


def _batches(inputs: Sequence[Sequence[int]], plan: Plan, epoch: int) -> Iterator[list[int]]:
    """Rows of each step: shuffled, texts of like length together."""
    rng = np.random.default_rng(plan.seed * 100 + epoch)
    order = rng.permutation(len(inputs))
    batches: list[list[int]] = []
    for start in range(0, len(order), plan.batch * 8):
        near = sorted(order[start : start + plan.batch * 8].tolist(), key=lambda row: len(inputs[row]))
        batches.extend(near[at : at + plan.batch] for at in range(0, len(near), plan.batch))
    for place in rng.permutation(len(batches)):
        yield batches[place]


def _groups(network: Network, plan: Plan) -> list[dict[str, object]]:
    """The parameters that learn, each with its rate; those of frozen layers are switched off."""
    layers = network.body.config.num_hidden_layers
    groups: list[dict[str, object]] = []
    for name, parameter in network.named_parameters():
        depth = _depth(name, layers)
        if depth <= plan.frozen_layers and plan.frozen_layers:
            parameter.requires_grad = False
            continue
        rate = plan.rate * plan.layer_decay ** (layers + 1 - depth) * (_HEAD_RATE if name.startswith("head.") else 1)
        groups.append({"params": [parameter], "lr": rate, "weight_decay": 0.0 if parameter.ndim < 2 else _DECAY})
    return groups


def _depth(name: str, layers: int) -> int:
    """0 for the vectors of pieces, then the layers, then the head."""
    if name.startswith("head."):
        return layers + 1
    parts = name.split(".")
    if "layer" in parts:
        return int(parts[parts.index("layer") + 1]) + 1
    return 0 if "embeddings" in parts else layers
