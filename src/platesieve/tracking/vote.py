"""Many reads of one plate become one text: cluster what is alike, then vote position by position.

A lone misread, or the lettering of a van that was taken for a plate, forms a cluster of its own and loses as a whole;
inside the winning cluster each read votes with all its alternatives, so that two half-sure reads of a glyph add up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from platesieve.domain.plate import Glyph, PlateText
from platesieve.tracking.likeness import align, alike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.domain.plate import PlateRead

MAX_VARIANTS = 16
"""Different texts kept of one pass; of a flood of them the lightest go."""

LEAST_WEIGHT = 0.05
"""Even a read that doubts itself is a witness."""

ALTERNATIVES = 3

WITNESSES = 3
"""As many independent looks as a pass is worth at most, however many frames it has."""


@dataclass(frozen=True, slots=True)
class Variant:
    """All reads of a pass with the same text, summed, so that a long pass takes no more room than a short one.

    Attributes:
        best: the most confident of them, with its crops.
        frame_size_px: of the frame of `best`.
        frames: how many there were.
        weight: sum of their confidences; the heaviest cluster wins.
        say: sum of the squares of their confidences; what they have to say about each position.
        votes: per position, what they say for each character.
        regions: what they say for each region: the probabilities of it, summed.
    """

    best: PlateRead
    frame_size_px: tuple[int, int]
    frames: int
    weight: float
    say: float
    votes: tuple[tuple[tuple[str, float], ...], ...]
    regions: tuple[tuple[str, float], ...] = ()

    @property
    def text(self) -> PlateText:
        """Return the text that all of them share."""
        return self.best.text


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the vote says, and the read that shows it best."""

    text: PlateText
    glyphs: tuple[Glyph, ...]
    confidence: float
    agreeing_frames: int
    best: PlateRead
    frame_size_px: tuple[int, int]
    region: str | None


def add_read(variants: tuple[Variant, ...], read: PlateRead, frame_size_px: tuple[int, int]) -> tuple[Variant, ...]:
    """Return the variants with one more read."""
    weight = max(read.confidence, LEAST_WEIGHT)
    votes = tuple(tuple((c, weight**2 * p) for c, p in glyph.alternatives) for glyph in read.glyphs)
    regions = () if read.region is None else ((read.region, read.region_probability),)
    new = Variant(read, frame_size_px, 1, weight, weight**2, votes, regions)
    kept = [_merge(v, new) if v.text == read.text else v for v in variants]
    if all(v.text != read.text for v in variants):
        kept.append(new)
    return tuple(sorted(kept, key=_rank)[:MAX_VARIANTS])


def vote(variants: Sequence[Variant]) -> Verdict:
    """Return the verdict on one pass.

    1. Variants are taken heaviest first; each joins the first cluster whose heaviest member it is like.
    2. The heaviest cluster wins, and its heaviest member, the pivot, sets the number of characters.
    3. The others are aligned with the pivot and all vote; a read that left a position out votes for nothing there.
    4. Within the cluster a read has a say by the square of its confidence, so that the many blurred frames of a vehicle
       far away neither outvote the few sharp ones nor make them doubtful.
    5. A character's share of the cluster's say is its average probability. Frames that agree are more than one frame,
       but not as many as they are: they share light, angle and dirt. So the shares are raised to the number of frames,
       at most WITNESSES, and scaled to sum to one again (a logarithmic opinion pool, Genest and Zidek 1986).
    6. Confidence is that of the weakest position. However long a vehicle stands there, a glyph that every frame
       doubts stays doubtful.
    7. A region needs more than half of the probability that the cluster's frames give to any; a frame that is not sure
       of one abstains. A plate of which the frames disagree is from nowhere known.

    Args:
        variants: at least one.
    """
    cluster = winning_cluster(variants)
    pivot = cluster[0]
    total = sum(v.say for v in cluster)
    tallies: list[dict[str, float]] = [{} for _ in range(len(pivot.text))]
    for variant in cluster:
        places = align(pivot.text.reveal(), variant.text.reveal())
        for tally, place in zip(tallies, places, strict=True):
            for character, weight in variant.votes[place] if place is not None else ():
                tally[character] = tally.get(character, 0.0) + weight
    witnesses = min(sum(v.frames for v in cluster), WITNESSES)
    glyphs = tuple(_glyph(tally, total, witnesses) for tally in tallies)
    text = PlateText("".join(glyph.best for glyph in glyphs))
    agreeing = next((v for v in cluster if v.text == text), None)
    shown = agreeing or pivot
    return Verdict(
        text=text,
        glyphs=glyphs,
        confidence=min(glyph.probability for glyph in glyphs),
        agreeing_frames=agreeing.frames if agreeing else 0,
        best=shown.best,
        frame_size_px=shown.frame_size_px,
        region=_region(cluster),
    )


def winning_cluster(variants: Sequence[Variant]) -> list[Variant]:
    """Return the variants of the heaviest cluster, heaviest first."""
    clusters: list[list[Variant]] = []
    for variant in sorted(variants, key=_rank):
        home = next((cluster for cluster in clusters if alike(cluster[0].text, variant.text)), None)
        if home is None:
            clusters.append([variant])
        else:
            home.append(variant)
    return max(
        clusters, key=lambda cluster: sum(v.weight for v in cluster)
    )  # of equals the first: its pivot is heavier


def _region(cluster: Sequence[Variant]) -> str | None:
    """Return the region that most of the cluster's frames speak for, or None."""
    tally: dict[str, float] = {}
    for region, probability in (said for variant in cluster for said in variant.regions):
        tally[region] = tally.get(region, 0.0) + probability
    return next((region for region, said in tally.items() if said > sum(tally.values()) / 2), None)


def _rank(variant: Variant) -> tuple[float, int, str]:
    return -variant.weight, -variant.frames, variant.text.reveal()


def _merge(old: Variant, new: Variant) -> Variant:
    """Return both as one; the more confident read shows the plate."""
    votes = tuple(_sum(a, b) for a, b in zip(old.votes, new.votes, strict=True))
    summed = replace(
        old,
        frames=old.frames + new.frames,
        weight=old.weight + new.weight,
        say=old.say + new.say,
        votes=votes,
        regions=_sum(old.regions, new.regions),
    )
    if (new.best.confidence, new.best.detection.score) > (old.best.confidence, old.best.detection.score):
        return replace(summed, best=new.best, frame_size_px=new.frame_size_px)
    return summed


def _sum(one: tuple[tuple[str, float], ...], other: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    tally = dict(one)
    for character, weight in other:
        tally[character] = tally.get(character, 0.0) + weight
    return tuple(tally.items())


def _glyph(tally: dict[str, float], total: float, witnesses: int) -> Glyph:
    ranked = sorted(tally.items(), key=lambda item: (-item[1], item[0]))
    shares = [min(weight / total, 1.0) for _, weight in ranked]
    others = max(1.0 - sum(shares), 0.0)  # all that no read named, taken as one more character
    powers = [share**witnesses for share in (*shares, others)]
    scaled = (power / sum(powers) for power in powers)
    named = zip((character for character, _ in ranked), scaled, strict=False)
    return Glyph(tuple(named)[:ALTERNATIVES])
