"""Unread is true: whatever people do, it is the number of messages of others behind their marker.

A random history of sends (new, repeated, several in one batch) and reads is played to the service
and to a model that keeps every message in a list and counts.
"""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from tests.services.world import PEOPLE, World, message_id, send

STEPS = 120


class Model:
    """Conversations as lists of senders, and markers; nothing is counted before it is asked for."""

    def __init__(self) -> None:
        self.said: dict[str, list[str]] = defaultdict(list)
        self.read: dict[tuple[str, str], int] = defaultdict(int)
        self.ids: dict[tuple[str, bytes], tuple[str, int]] = {}

    @staticmethod
    def key(who: str, to: str) -> str:
        return to if to in ("#ops", "*") else "+".join(sorted((who, to)))

    def send(self, who: str, to: str, id: bytes) -> tuple[int, bool] | None:
        """(seq, duplicate), or None for an id used elsewhere."""
        key = self.key(who, to)
        if (who, id) in self.ids:
            place, seq = self.ids[who, id]
            return (seq, True) if place == key else None
        self.said[key].append(who)
        self.ids[who, id] = (key, len(self.said[key]))
        return len(self.said[key]), False

    def unread(self, who: str, to: str) -> int:
        key = self.key(who, to)
        return sum(sender != who for sender in self.said[key][self.read[who, key] :])

    def move(self, who: str, to: str, seq: int) -> int:
        key = self.key(who, to)
        self.read[who, key] = max(self.read[who, key], min(seq, len(self.said[key])))
        return self.read[who, key]


@pytest.mark.parametrize("seed", range(6))
def test_unread_is_what_a_naive_count_says(world: World, seed: int) -> None:
    dice = random.Random(seed)
    world.group("ops", *PEOPLE)
    model = Model()
    places = ["ani", "budi", "citra", "#ops", "*"]
    for _ in range(STEPS):
        if dice.random() < 0.6:
            _send_some(world, model, dice, places)
        else:
            _read_one(world, model, dice, places)
    for who in PEOPLE:
        _compare(world, model, who)


def _send_some(world: World, model: Model, dice: random.Random, places: list[str]) -> None:
    """A batch of sends; few ids, so that many are repeated, in the batch and across batches."""
    chosen = [
        (dice.choice(PEOPLE), dice.choice(places), message_id(dice.randrange(1, 400)))
        for _ in range(dice.choice((1, 1, 2, 5, 20)))
    ]
    answers = world.batch(*[(who, send(to, "halo", id)) for who, to, id in chosen])
    for (who, to, id), answer in zip(chosen, answers, strict=True):
        expected = model.send(who, to, id)
        if expected is None:
            assert answer.status == "conflict"
        else:
            assert (answer.body["seq"], answer.body["duplicate"]) == expected


def _read_one(world: World, model: Model, dice: random.Random, places: list[str]) -> None:
    who, to, seq = dice.choice(PEOPLE), dice.choice(places), dice.randrange(40)
    reply = world.do(who, "message.read", **{"with": to, "seq": seq})
    assert reply["seq"] == model.move(who, to, seq)
    assert reply["unread"] == model.unread(who, to)


def _compare(world: World, model: Model, who: str) -> None:
    for name, each in world.inbox(who).items():
        assert each["unread"] == model.unread(who, name), (who, name)
        assert each["read_seq"] == model.read[who, model.key(who, name)]
        assert each["last_seq"] == len(model.said[model.key(who, name)])
        assert world.do(who, "conversation.verify", conversation=each["conversation"])["complete"]
