"""What a reader is taught by: its texts, their rows, their country, and a wider net."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from models.reader.net import BLANK, STEPS
from models.reader.regions import UNTAUGHT
from platesieve.domain.plate import ALPHABET

if TYPE_CHECKING:
    import numpy as np

_CHARACTERS = 8  # of a usual plate
_CODES = {c: i + 1 for i, c in enumerate(ALPHABET)}


def ctc_loss(logits: torch.Tensor, texts: list[str]) -> torch.Tensor:
    """Return the mean CTC loss of logits (B, 40, 37); an empty text asks for blanks only."""
    lengths = torch.tensor([len(t) for t in texts])
    codes = torch.tensor([_CODES[c] for t in texts for c in t], dtype=torch.long, device=logits.device)
    steps = torch.full((len(texts),), STEPS, dtype=torch.long)
    log_probs = F.log_softmax(logits.float(), -1).transpose(0, 1)
    each = F.ctc_loss(log_probs, codes, steps, lengths, BLANK, reduction="none", zero_infinity=True)
    return per_character(each, lengths)


def per_character(losses: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Return the mean of losses (B) over characters, of texts with these lengths (B), on whichever device each is."""
    return (losses / lengths.clamp(min=4).to(losses.device)).mean()


def teacher_loss(logits: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Return how far logits (B, 40, 37) are from a teacher's (B, 40, 37).

    That is the Kullback-Leibler divergence of its columns, in nats a character of a usual plate: column by
    column, as a net that is a narrowed teacher says its characters in the same columns. G. Hinton et al., "Distilling
    the Knowledge in a Neural Network", 2015.
    """
    theirs, ours = F.log_softmax(teacher.float(), -1), F.log_softmax(logits.float(), -1)
    return F.kl_div(ours, theirs, reduction="none", log_target=True).sum((1, 2)).mean() / _CHARACTERS


def rows_loss(two: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
    """Return the loss of the gate that says `two rows`, over the samples whose rows are known."""
    known = torch.from_numpy(rows > 0).to(two.device)
    wanted = torch.from_numpy(rows == 2).float().to(two.device)
    each = F.binary_cross_entropy_with_logits(two.float()[:, 0], wanted, reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)


def region_loss(logits: torch.Tensor, regions: np.ndarray, smoothing: float = 0.0) -> torch.Tensor:
    """Return the cross-entropy of region logits (B, R) over the samples whose region is known."""
    classes = torch.from_numpy(regions).to(logits.device)
    summed = F.cross_entropy(logits.float(), classes, ignore_index=UNTAUGHT, reduction="sum", label_smoothing=smoothing)
    return summed / (classes != UNTAUGHT).sum().clamp(min=1)
