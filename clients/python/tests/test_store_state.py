"""The store's rules, without a broker and without a clock."""

from __future__ import annotations

import unittest

import grpc

from secret_broker import Secret, SecretBrokerError, StoreOptions
from secret_broker._generated.secretbroker.v1 import watch_pb2 as wire
from secret_broker.store_state import MAX_NAMES, StoreState

ABSENT = SecretBrokerError("SECRET_NOT_FOUND", "absent", code=grpc.StatusCode.NOT_FOUND)
DENIED = SecretBrokerError("POLICY_DENIED", "denied", code=grpc.StatusCode.PERMISSION_DENIED)


def secret(text: str, version: int, uid: str = "u", name: str = "a") -> Secret:
    return Secret(name, text, version, uid, "", {}, None, None)


def told(kind: str, text: str = "", version: int = 0, name: str = "a") -> wire.WatchSecretsResponse:
    event = wire.WatchSecretsResponse()
    if kind == "sync_marker":
        event.sync_marker.revision = 1
    elif kind == "heartbeat":
        event.heartbeat.current_time.seconds = version
    elif kind == "removal":
        event.removal.name = name
    else:
        target = event.initial_set.secrets.add() if kind == "initial_set" else event.change.secret
        target.name, target.text, target.version, target.uid = name, text, version, "u"
    return event


class StoreRules(unittest.TestCase):
    def setUp(self) -> None:
        self.state = StoreState(StoreOptions(fresh_for=30, negative_for=5, max_staleness=300))

    def held(self, now: float, name: str = "a") -> object:
        value = self.state.fresh(name, now)
        return value.payload if isinstance(value, Secret) else value

    def test_an_answer_is_fresh_until_it_was_not_confirmed_for_too_long(self) -> None:
        self.state.learn("a", secret("one", 1), 0)
        self.assertEqual((self.held(30), self.held(30.1)), ("one", None))
        self.assertIsNotNone(self.state.stale("a", 300))
        self.assertIsNone(self.state.stale("a", 300.1))

    def test_absence_is_believed_for_less_long_until_it_is_watched(self) -> None:
        subscription = self.state.learn("a", ABSENT, 0)
        self.assertEqual(list(subscription.subscribe.names), ["a"])
        self.assertEqual((self.held(5), self.held(5.1)), (ABSENT, None))
        self.state.take(told("sync_marker"), 6)
        self.assertEqual(self.held(36), ABSENT)
        self.state.take(told("change", "now there", 1), 40)
        self.assertEqual(self.held(40), "now there")

    def test_a_refusal_is_remembered_and_not_watched(self) -> None:
        self.assertIsNone(self.state.learn("a", DENIED, 0))
        self.assertEqual((self.held(5), self.held(5.1)), (DENIED, None))

    def test_heartbeats_confirm_only_while_the_broker_itself_is_current(self) -> None:
        self.state.learn("a", secret("one", 1), 0)
        self.state.take(told("sync_marker"), 1)
        self.state.take(told("heartbeat", version=100), 20)
        self.assertEqual(self.held(50), "one")
        self.state.take(told("heartbeat", version=100), 49)
        self.assertIsNone(self.held(51))
        self.state.take(told("heartbeat", version=101), 52)
        self.assertEqual(self.held(80), "one")

    def test_nothing_is_confirmed_by_a_watch_that_has_ended(self) -> None:
        self.state.learn("a", secret("one", 1), 0)
        self.state.take(told("sync_marker"), 1)
        self.state.ended()
        self.state.take(told("heartbeat", version=100), 20)
        self.assertIsNone(self.held(32))

    def test_a_late_answer_to_a_read_does_not_undo_what_the_watch_told(self) -> None:
        self.state.learn("a", secret("one", 1), 0)
        self.assertEqual(self.state.take(told("change", "two", 2), 5)[0].ack.version, 2)
        self.state.learn("a", secret("one", 1), 4)
        self.assertEqual(self.held(6), "two")
        self.assertEqual(self.state.take(told("removal"), 7)[0].ack.version, 0)
        self.state.learn("a", secret("two", 2), 6.5)
        self.assertIsNone(self.held(8))

    def test_a_new_watch_says_what_is_known_and_drops_what_it_is_not_told_of(self) -> None:
        self.state.learn("a", secret("one", 1), 0)
        self.state.learn("b", secret("without versions", 0, "", "b"), 0)
        self.state.learn("c", ABSENT, 0)
        first = self.state.restart().subscribe
        self.assertEqual(list(first.names), ["a", "b", "c"])
        self.assertEqual((dict(first.known_versions), dict(first.known_uids)), ({"a": 1}, {"a": "u"}))
        self.state.take(told("sync_marker"), 10)
        self.assertEqual((self.held(40), self.held(40, "b"), self.held(40, "c")), ("one", None, ABSENT))

    def test_a_name_that_may_not_be_watched_is_not_asked_for_again(self) -> None:
        self.state.learn("a", secret("one", 1), 0)
        self.state.refused("a")
        self.assertIsNone(self.state.restart())
        self.assertIsNone(self.state.learn("a", secret("one", 1), 40))
        self.assertEqual(self.held(70), "one")

    def test_it_is_bounded_and_makes_room(self) -> None:
        for number in range(MAX_NAMES):
            self.state.learn(f"n{number}", ABSENT, 0)
        self.state.learn("one more", ABSENT, 10)
        self.assertIsNone(self.held(10, "one more"))
        self.state.learn("one more", ABSENT, 301)
        self.assertEqual(self.held(301, "one more"), ABSENT)


if __name__ == "__main__":
    unittest.main()
