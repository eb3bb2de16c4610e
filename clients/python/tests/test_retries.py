"""What is repeated, and what never is: over a server that fails as it is told, and over a broker that comes and goes."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
import time
import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from secret_broker import Client, RetryOptions, SecretBrokerError, aio
from secret_broker._generated.secretbroker.v1 import secret_broker_pb2 as wire
from secret_broker.retries import RetryPolicy

from .broker import RunningBroker, vector_files
from .test_vectors import CALLERS

TOKEN = CALLERS["owner"]["token"]
PATIENT = RetryOptions(attempts=10, base_delay=1, max_delay=30)


def failure(reason: str, retry_after: float | None = None) -> SecretBrokerError:
    return SecretBrokerError(reason, "it failed", retry_after=retry_after)


class TheRules(unittest.TestCase):
    def policy(self, spread: float = 1.0, **options: Any) -> RetryPolicy:
        return RetryPolicy(RetryOptions(**options), lambda: spread)

    def test_pauses_double_up_to_a_bound_and_are_spread(self) -> None:
        policy = self.policy(attempts=6, base_delay=0.1, max_delay=0.5)
        delays = [policy.delay_after(failure("MANAGER_UNAVAILABLE"), attempt, 100) for attempt in range(1, 7)]
        self.assertEqual(delays, [0.1, 0.2, 0.4, 0.5, 0.5, None])
        self.assertEqual(self.policy(0.0).delay_after(failure("MANAGER_UNAVAILABLE"), 1, 100), 0.0)

    def test_what_the_broker_asks_for_is_the_least(self) -> None:
        for spread, delay in ((0.0, 7.0), (1.0, 7.7)):
            self.assertAlmostEqual(self.policy(spread).delay_after(failure("RATE_LIMITED", 7.0), 1, 100) or 0, delay)

    def test_a_pause_that_outlasts_the_call_is_not_begun(self) -> None:
        self.assertIsNone(self.policy(0.0).delay_after(failure("RATE_LIMITED", 7.0), 1, 7.0))

    def test_only_what_passes_is_repeated(self) -> None:
        for reason in ("SECRET_NOT_FOUND", "POLICY_DENIED", "CREDENTIAL_EXPIRED", "VERSION_MISMATCH", "INTERNAL_ERROR"):
            self.assertIsNone(self.policy().delay_after(failure(reason), 1, 100))

    def test_a_broken_broker_is_not_asked_much_more_often(self) -> None:
        policy = self.policy()
        ask = lambda: policy.delay_after(failure("MANAGER_UNAVAILABLE"), 1, 100)  # noqa: E731
        self.assertEqual([ask() is None for _ in range(12)], [False] * 10 + [True] * 2)
        for _ in range(11):
            policy.note_answer()
        self.assertEqual([ask() is None for _ in range(2)], [False, True])

    def test_options_are_checked(self) -> None:
        for options in ({"attempts": 0}, {"attempts": 11}, {"base_delay": -1}, {"base_delay": 3}, {"max_delay": 1e999}):
            with self.subTest(options=options), self.assertRaises(SecretBrokerError) as caught:
                RetryOptions(**options)  # type: ignore[arg-type]
            self.assertEqual(caught.exception.reason, "FIELD_INVALID")


def status_of(retry_after: float) -> status_pb2.Status:
    details = [
        error_details_pb2.ErrorInfo(reason="RATE_LIMITED", domain="secretbroker.dev"),
        error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(nanos=round(retry_after * 1e9))),
    ]
    packed = [any_pb2.Any() for _ in details]
    for box, detail in zip(packed, details):
        box.Pack(detail)
    return status_pb2.Status(code=grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], details=packed)


class Scripted(grpc.GenericRpcHandler):
    """Fails so many times, then answers; notes when it was asked."""

    def __init__(self, failures: int, fail: Callable[[grpc.ServicerContext], Any]) -> None:
        self.failures, self.fail = failures, fail
        self.asked: list[float] = []

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        name = details.method.rpartition("/")[2]
        replies = {
            "ReadSecret": wire.ReadSecretResponse(secret={"name": "a", "text": "value", "version": 1}),
            "WriteSecret": wire.WriteSecretResponse(version={"version": 1}),
            "DeleteSecret": wire.DeleteSecretResponse(status=wire.DELETE_STATUS_DELETED),
            "RotateSecret": wire.RotateSecretResponse(version={"version": 2}),
        }

        def answer(_request: bytes, context: grpc.ServicerContext) -> bytes:
            self.asked.append(time.monotonic())
            if len(self.asked) <= self.failures:
                self.fail(context)
            return replies[name].SerializeToString()

        return grpc.unary_unary_rpc_method_handler(answer)


def unavailable(context: grpc.ServicerContext) -> None:
    context.abort(grpc.StatusCode.UNAVAILABLE, "away")


class OverAServerThatFails(unittest.TestCase):
    def serve(self, failures: int, fail: Callable[[grpc.ServicerContext], Any] = unavailable) -> Scripted:
        handler = Scripted(failures, fail)
        server = grpc.server(ThreadPoolExecutor(2), handlers=[handler])
        self.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        self.addCleanup(lambda: server.stop(0).wait())
        return handler

    def open(self, **options: Any) -> Client:
        client = Client(self.address, **{"timeout": 60, **options})
        self.addCleanup(client.close)
        return client

    def test_a_read_is_repeated_up_to_its_attempts(self) -> None:
        handler = self.serve(2)
        self.assertEqual(self.open().read("a").text, "value")
        self.assertEqual(len(handler.asked), 3)
        handler = self.serve(3)
        with self.assertRaises(SecretBrokerError) as caught:
            self.open().read("a")
        self.assertEqual((caught.exception.reason, len(handler.asked)), ("MANAGER_UNAVAILABLE", 3))

    def test_a_change_is_repeated_only_with_an_id(self) -> None:
        changes: list[tuple[bool, Callable[[Client], object]]] = [
            (True, lambda client: client.write("a", "value", request_id="once")),
            (True, lambda client: client.delete("a", request_id="once")),
            (False, lambda client: client.write("a", "value")),
            (False, lambda client: client.delete("a")),
            (False, lambda client: client.rotate("a", "value")),
        ]
        for is_repeated, change in changes:
            handler, client = self.serve(1), self.open()
            if is_repeated:
                change(client)
            else:
                with self.assertRaises(SecretBrokerError):
                    change(client)
            self.assertEqual(len(handler.asked), 2 if is_repeated else 1)

    def test_the_delay_the_broker_asks_for_is_waited_or_the_failure_told_at_once(self) -> None:
        def limit(context: grpc.ServicerContext) -> None:
            context.set_trailing_metadata((("grpc-status-details-bin", status_of(0.5).SerializeToString()),))
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many")

        handler = self.serve(1, limit)
        self.open().read("a")
        self.assertGreaterEqual(handler.asked[1] - handler.asked[0], 0.5)
        handler = self.serve(1, limit)
        with self.assertRaises(SecretBrokerError) as caught:
            self.open(timeout=0.49).read("a")
        if len(handler.asked) == 1 and caught.exception.reason == "RATE_LIMITED":
            self.assertEqual(caught.exception.retry_after, 0.5)
        else:
            # A machine that did not get to ask in all that time.
            self.assertEqual(caught.exception.reason, "MANAGER_TIMEOUT")

    def test_closing_ends_a_pause(self) -> None:
        handler = self.serve(9)
        client = self.open(retry=RetryOptions(attempts=3, base_delay=3_000, max_delay=3_000), timeout=100_000)
        caught: list[Exception] = []

        def read() -> None:
            try:
                client.read("a")
            except SecretBrokerError as error:
                caught.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        while not handler.asked:
            time.sleep(0.01)
        client.close()
        thread.join(60)
        self.assertFalse(thread.is_alive())
        self.assertEqual(len(caught), 1)

    def test_coroutines_repeat_by_the_same_rules(self) -> None:
        async def outcomes() -> None:
            async with aio.Client(self.address, timeout=60) as client:
                self.assertEqual((await client.read("a")).text, "value")
            async with aio.Client(self.address, timeout=60, retry=RetryOptions(attempts=1)) as client:
                handler.asked.clear()
                with self.assertRaises(SecretBrokerError):
                    await client.read("a")
                with self.assertRaises(SecretBrokerError):
                    await client.write("a", "value")

        handler = self.serve(2)
        asyncio.run(outcomes())
        self.assertEqual(len(handler.asked), 2)


class OverABroker(unittest.TestCase):
    def broker(self, limits: str = "") -> RunningBroker:
        files = vector_files()
        files["config.yaml"] += limits
        broker = RunningBroker(files)
        self.addCleanup(broker.stop)
        return broker

    def test_a_read_and_a_write_with_an_id_outlast_a_restart(self) -> None:
        broker = self.broker()
        with Client(broker.address, token=TOKEN, timeout=300, retry=PATIENT) as client:
            client.write("shared/a", "one", request_id="first")
            broker.kill()
            starting = threading.Thread(target=broker.start)
            starting.start()
            self.assertEqual(client.write("shared/a", "one", request_id="first").version, 1)
            starting.join()
            broker.kill()
            starting = threading.Thread(target=broker.start)
            starting.start()
            self.assertEqual(client.read("shared/a").text, "one")
            starting.join()

    def test_a_rate_limit_is_waited_for(self) -> None:
        limits = "  limits: { per_principal: { requests_per_second: 2, burst: 1 } }\n"
        broker = self.broker(limits)
        with Client(broker.address, token=TOKEN, timeout=300, retry=RetryOptions(attempts=10)) as client:
            for _ in range(4):
                with self.assertRaises(SecretBrokerError) as caught:
                    client.read("shared/absent")
                self.assertEqual(caught.exception.reason, "SECRET_NOT_FOUND")


class TokensAndFiles(unittest.TestCase):
    def test_a_token_that_cannot_be_sent_is_not_shown(self) -> None:
        for token in ("sbt_placeholder\nx", "sbt_placeholder\u00e4", "", "sbt placeholder"):
            with self.subTest(token=token), Client(token=token) as client:
                with self.assertRaises(SecretBrokerError) as caught:
                    client.read("a")
                self.assertEqual(caught.exception.reason, "CREDENTIAL_INVALID")
                self.assertNotIn("placeholder", str(caught.exception) + repr(caught.exception.__cause__))

    def test_a_source_that_fails_is_an_error_of_this_package(self) -> None:
        def source() -> str:
            raise OSError("no such file: placeholder")

        with Client(token=source) as client, self.assertRaises(SecretBrokerError) as caught:
            client.read("a")
        self.assertEqual(str(caught.exception), "the token could not be had: OSError (IDENTITY_UNAVAILABLE)")

    def test_files_that_are_not_there_are_named_by_their_field(self) -> None:
        from secret_broker import Tls

        absent = os.path.join(tempfile.gettempdir(), "not-there.pem")
        with Client(tls=Tls(ca_file=absent)) as client, self.assertRaises(SecretBrokerError) as caught:
            client.read("a")
        self.assertEqual([each.field for each in caught.exception.violations], ["tls.ca_file"])
        self.assertFalse(Path(absent).exists())

    def test_a_call_does_not_show_its_payload(self) -> None:
        from secret_broker import calls

        self.assertNotIn("placeholder", repr(calls.write("a", "placeholder", None)))


if __name__ == "__main__":
    unittest.main()
