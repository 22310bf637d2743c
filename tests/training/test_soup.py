"""The mean of nets: of their weights, with normalisations that fit the pictures it will see."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from tests.fakes.crops import striped_crops

torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("PIL", reason="needs the extra `train`")
averaging = importlib.import_module("models.common.averaging")
net_module, soup, train = (importlib.import_module(f"models.reader.{name}") for name in ("net", "soup", "train"))

pytestmark = pytest.mark.training


def state(seed: int, seen: int = 0, **more: Any) -> dict[str, Any]:
    """Return the checkpoint of a random net."""
    torch.manual_seed(seed)
    weights = net_module.Reader().state_dict()
    return {"average": {"weights": weights}, "seen": seen, **more}


def answers(weights: dict[str, Any], crops: np.ndarray) -> Any:
    """Return what a net with these weights says."""
    net = net_module.Reader()
    net.load_state_dict(weights)
    with torch.no_grad():
        return net.eval()(train.normalised(crops))[0]


def test_weights_are_halfway_between_two_nets_and_the_last_one_tells_where_they_come_from() -> None:
    """Each has the same say; samples before a warm start count, and the crops are those of the last run."""
    first, second = state(1, 100), state(2, 30, before=100, crops={"one": 5})
    made = soup.soup([first, second], striped_crops())
    for name in ("head.weight", "look.asks_place"):
        halfway = (first["average"]["weights"][name] + second["average"]["weights"][name]) / 2
        assert torch.allclose(made["average"]["weights"][name], halfway), name
    assert (made["seen"], made["before"], made["crops"]) == (0, 130, {"one": 5})


def test_normalisations_are_those_of_the_pictures_and_not_the_mean_of_two_nets() -> None:
    """On the pictures it was settled on the mean answers as it does while it learns; the plain mean does not."""
    crops = np.tile(striped_crops(), (8, 1, 1))
    states = [state(3), state(4)]
    plain = averaging.mean_of([each["average"]["weights"] for each in states])
    learning = net_module.Reader(dropout=0.0)
    learning.load_state_dict(plain)
    with torch.no_grad():
        wanted = learning.train()(train.normalised(crops))[0]
    settled = soup.soup(states, crops)["average"]["weights"]
    assert float((answers(settled, crops) - wanted).abs().max()) < 0.02
    assert float((answers(plain, crops) - wanted).abs().max()) > 0.1


def test_nets_of_two_widths_have_no_mean() -> None:
    """Refused in one sentence instead of by torch."""
    narrow = {"average": {"weights": net_module.Reader(widths=net_module.NARROW).state_dict()}, "seen": 0}
    with pytest.raises(ValueError, match="nets of one width have a mean"):
        soup.soup([state(1), narrow], striped_crops())


def test_a_missing_checkpoint_is_refused(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one sentence, before anything is read."""
    command = ["soup", "--checkpoint", str(tmp_path / "none.pt"), "--out", str(tmp_path / "soup.pt")]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit, match="does not exist: train first"):
        soup.main()
