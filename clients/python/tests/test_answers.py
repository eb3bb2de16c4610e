"""Answers that the contract does not allow are errors, and never data."""

from __future__ import annotations

import unittest
from typing import Any

from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from secret_broker import Secret, SecretBrokerError, StoreOptions, answers, calls
from secret_broker._generated.secretbroker.v1 import secret_broker_pb2 as wire
from secret_broker.errors import from_status
from secret_broker.store_state import StoreState


def read(**fields: Any) -> wire.ReadSecretResponse:
    return wire.ReadSecretResponse(secret={"name": "a", "text": "value", **fields})


class WhatABrokerMayNotSay(unittest.TestCase):
    def refused(self, call: calls.Call[Any], reply: Any, what: str) -> None:
        with self.subTest(what=what), self.assertRaises(SecretBrokerError) as caught:
            call.answer(reply)
        self.assertEqual(caught.exception.reason, "MANAGER_REPLY_INVALID")
        self.assertEqual(caught.exception.args[0], f"the broker answered with {what}")

    def test_a_read(self) -> None:
        call = calls.read(calls.Read("a"))
        self.assertEqual(call.answer(read()).payload, "value")
        self.refused(call, wire.ReadSecretResponse(), "no secret")
        self.refused(call, wire.ReadSecretResponse(secret={"name": "a"}), "a secret without a payload")
        self.refused(call, read(name="b"), "another secret than the one asked for")
        self.refused(call, read(create_time={"seconds": 2**62}), "a time that is none")

    def test_a_batch_where_one_does_not_hide_the_others(self) -> None:
        call = calls.batch(["a", "b", "c"], False)
        results = [{"read": read()}, {"read": read()}, {}]
        first, second, third = call.answer(wire.BatchReadSecretsResponse(results=results))
        self.assertIsInstance(first, Secret)
        for each in (second, third):
            self.assertEqual(each.reason, "MANAGER_REPLY_INVALID")
        self.refused(call, wire.BatchReadSecretsResponse(), "another number of results than there were reads")

    def test_a_deletion(self) -> None:
        self.refused(calls.delete(name="a"), wire.DeleteSecretResponse(), "a deletion without a status")

    def test_a_delay_out_of_all_bounds_is_a_number(self) -> None:
        status = status_pb2.Status(code=8)
        for detail in (
            error_details_pb2.ErrorInfo(reason="RATE_LIMITED", domain="secretbroker.dev"),
            error_details_pb2.RetryInfo(retry_delay={"seconds": 2**62}),
        ):
            box = any_pb2.Any()
            box.Pack(detail)
            status.details.append(box)
        self.assertEqual(from_status(status).retry_after, 2.0**62)


class AClosedStore(unittest.TestCase):
    def test_keeps_nothing_of_a_read_that_was_under_way(self) -> None:
        state = StoreState(StoreOptions())
        state.clear()
        value = answers.secret(read().secret)
        self.assertIsNone(state.learn("a", value, 1.0))
        self.assertIsNone(state.stale("a", 1.0))


if __name__ == "__main__":
    unittest.main()
