"""What the vectors do not say: connections, deadlines, the store over a broker that comes and goes."""

from __future__ import annotations

import asyncio
import os
import pickle
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import grpc

from secret_broker import Client, SecretBrokerError, StoreOptions, Tls, aio
from secret_broker._generated.secretbroker.v1 import secret_broker_pb2 as wire

from .broker import RunningBroker, vector_files
from .test_vectors import CALLERS

TOKEN = CALLERS["owner"]["token"]


def until(done: Callable[[], bool]) -> None:
    """Waits for what must happen; fails after half a minute."""
    last = time.monotonic() + 30
    while not done():
        if time.monotonic() > last:
            raise AssertionError("it does not happen")
        time.sleep(0.02)


class OverABroker(unittest.TestCase):
    def setUp(self) -> None:
        self.broker = RunningBroker(vector_files())
        self.addCleanup(self.broker.stop)
        self.client = self.open()

    def open(self, **options: object) -> Client:
        client = Client(self.broker.address, token=TOKEN, **options)
        self.addCleanup(client.close)
        return client

    def reads(self) -> int:
        return (self.broker.folder / "audit.jsonl").read_text("utf8").count('"action":"read"')

    def test_get_asks_once_however_many_threads_ask(self) -> None:
        self.client.write("shared/a", "one")
        reader = self.open()
        seen: list[str] = []
        threads = [threading.Thread(target=lambda: seen.append(reader.get("shared/a").text)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((seen, self.reads()), (["one"] * 20, 1))

    def test_get_gives_what_it_has_while_the_broker_is_away_and_finds_it_again(self) -> None:
        self.client.write("shared/a", "one")
        reader = self.open(store=StoreOptions(fresh_for=0.05, max_staleness=60, pause_when_unreachable=0.1))
        self.assertEqual(reader.get("shared/a").text, "one")
        self.broker.kill()
        time.sleep(0.1)  # Longer than fresh_for, so that it has to ask.
        self.assertEqual(reader.get("shared/a").text, "one")
        impatient = self.open(store=StoreOptions(max_staleness=0.01))
        with self.assertRaises(SecretBrokerError) as caught:
            impatient.get("shared/a")
        self.assertEqual(caught.exception.reason, "MANAGER_UNAVAILABLE")
        self.broker.start()
        until(lambda: self.writes("shared/a", "two"))
        until(lambda: reader.get("shared/a").text == "two")

    def writes(self, name: str, text: str) -> bool:
        try:
            self.client.write(name, text)
        except SecretBrokerError:
            return False
        return True

    def test_own_changes_are_seen_at_once(self) -> None:
        self.client.write("shared/a", "one")
        self.assertEqual(self.client.get("shared/a").text, "one")
        self.client.rotate("shared/a", "two")
        self.assertEqual(self.client.get("shared/a").text, "two")
        self.client.delete("shared/a")
        with self.assertRaises(SecretBrokerError) as caught:
            self.client.get("shared/a")
        self.assertTrue(caught.exception.is_absent)

    def test_the_asynchronous_get_shares_its_reads_and_survives_a_caller_that_gives_up(self) -> None:
        self.client.write("shared/a", "one")

        async def many() -> list[str]:
            async with aio.Client(self.broker.address, token=TOKEN) as reader:
                impatient = asyncio.create_task(reader.get("shared/a"))
                await asyncio.sleep(0)
                others = [asyncio.create_task(reader.get("shared/a")) for _ in range(20)]
                await asyncio.sleep(0)
                impatient.cancel()
                return [answer.text for answer in await asyncio.gather(*others)]

        self.assertEqual((asyncio.run(many()), self.reads()), (["one"] * 20, 1))

    def test_a_token_comes_from_a_file_that_may_change(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "token")
            file.write_text(CALLERS["unknown"]["token"], "utf8")
            variables = {"SECRET_BROKER_ADDRESS": self.broker.address, "SECRET_BROKER_TOKEN_FILE": str(file)}
            with mock.patch.dict(os.environ, variables), Client.from_environment() as client:
                with self.assertRaises(SecretBrokerError) as caught:
                    client.read("shared/a")
                self.assertEqual(caught.exception.reason, "CREDENTIAL_INVALID")
                file.write_text(TOKEN + "\n", "utf8")
                client.write("shared/a", "x")
                self.assertNotIn(TOKEN, repr(client) + repr(client._settings) + repr(client.read("shared/a")))

    def test_a_token_that_cannot_be_read_takes_nothing_away(self) -> None:
        self.client.write("shared/a", "one")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "token")
            variables = {"SECRET_BROKER_ADDRESS": self.broker.address, "SECRET_BROKER_TOKEN_FILE": str(file)}
            asked_each_time = StoreOptions(fresh_for=0, pause_when_unreachable=0)

            def lose_and_find(get: Callable[[], str]) -> None:
                for lose in (file.unlink, lambda: file.write_text("", "utf8")):
                    file.write_text(TOKEN, "utf8")
                    self.assertEqual(get(), "one")
                    lose()
                    self.assertEqual(get(), "one")
                    self.assertEqual(get(), "one")

            with mock.patch.dict(os.environ, variables):
                with Client.from_environment(asked_each_time) as client:
                    lose_and_find(lambda: client.get("shared/a").text)
                    with self.assertRaises(SecretBrokerError) as caught:
                        client.read("shared/a")
                    self.assertEqual(caught.exception.reason, "IDENTITY_UNAVAILABLE")
                loop = asyncio.new_event_loop()
                other = aio.Client.from_environment(asked_each_time)
                lose_and_find(lambda: loop.run_until_complete(other.get("shared/a")).text)
                loop.run_until_complete(other.close())
                loop.close()

    def test_a_secret_is_not_in_its_repr(self) -> None:
        self.client.write("shared/a", "placeholder-value")
        self.assertNotIn("placeholder-value", repr(self.client.read("shared/a")))

    def test_a_closed_client_takes_no_calls(self) -> None:
        self.client.close()
        self.client.close()
        with self.assertRaises(SecretBrokerError) as caught:
            self.client.read("shared/a")
        self.assertEqual(caught.exception.reason, "CALL_CANCELLED")


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class OverTls(unittest.TestCase):
    """Against a server of gRPC's own, which asks for a certificate and shows the metadata it was sent."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sb-tls-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for name, subject in {"server": "/CN=broker.example.org", "client": "/CN=me"}.items():
            options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
            files = ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", subject]
            names = ["-addext", "subjectAltName=DNS:broker.example.org"]
            subprocess.run(["openssl", "req", *options, *files, *names], cwd=self.folder, check=True, capture_output=True)
        server = grpc.server(ThreadPoolExecutor(2))
        handler = grpc.unary_unary_rpc_method_handler(
            self.answer, wire.ReadSecretRequest.FromString, wire.ReadSecretResponse.SerializeToString
        )
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler("secretbroker.v1.SecretBroker", {"ReadSecret": handler})]
        )
        pair = tuple((self.folder / f"server.{end}").read_bytes() for end in ("key", "pem"))
        trusted = (self.folder / "client.pem").read_bytes()
        credentials = grpc.ssl_server_credentials([pair], trusted, require_client_auth=True)
        port = server.add_secure_port("127.0.0.1:0", credentials)
        server.start()
        self.addCleanup(lambda: server.stop(0).wait())
        self.address = f"127.0.0.1:{port}"

    def answer(self, request: wire.ReadSecretRequest, context: grpc.ServicerContext) -> wire.ReadSecretResponse:
        answer = wire.ReadSecretResponse()
        answer.secret.name, answer.secret.text = request.name, dict(context.invocation_metadata())["authorization"]
        return answer

    def tls(self, **changes: str) -> Tls:
        files = {"ca_file": "server.pem", "certificate_file": "client.pem", "key_file": "client.key"}
        paths = {name: str(self.folder / file) for name, file in {**files, **changes}.items()}
        return Tls(**paths, server_name="broker.example.org")

    def test_both_sides_prove_who_they_are(self) -> None:
        with Client(self.address, tls=self.tls(), token=lambda: "sbt_x", timeout=20) as client:
            self.assertEqual(client.read("a").text, "Bearer sbt_x")

        async def read() -> str:
            async with aio.Client(self.address, tls=self.tls(), token="sbt_y", timeout=20) as other:
                return (await other.read("a")).text

        self.assertEqual(asyncio.run(read()), "Bearer sbt_y")

    def test_a_server_that_is_not_trusted_is_not_told_the_token(self) -> None:
        with Client(self.address, tls=self.tls(ca_file="client.pem"), token="sbt_x") as client:
            with self.assertRaises(SecretBrokerError) as caught:
                client.read("a", timeout=5)
        self.assertEqual(caught.exception.reason, "MANAGER_UNAVAILABLE")


class WithoutABroker(unittest.TestCase):
    def test_nobody_there(self) -> None:
        with Client("127.0.0.1:1") as client, self.assertRaises(SecretBrokerError) as caught:
            client.read("a", timeout=5)
        self.assertEqual((caught.exception.reason, caught.exception.code), ("MANAGER_UNAVAILABLE", grpc.StatusCode.UNAVAILABLE))

    def test_nobody_answers(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            with Client(f"127.0.0.1:{silent.getsockname()[1]}") as client, self.assertRaises(SecretBrokerError) as caught:
                client.read("a", timeout=0.3)
        self.assertEqual(caught.exception.reason, "MANAGER_TIMEOUT")

    def test_what_cannot_be_sent_is_refused_by_name_and_not_quoted(self) -> None:
        with Client() as client:
            for field, call in {
                "payload": lambda: client.write("a", 5),
                "text": lambda: client.write("a", "placeholder\ud800"),
                "expected_version": lambda: client.write("a", "placeholder", expected_version=-1),
                "version": lambda: client.read("a", version=2**33),
                "tags": lambda: client.write("a", "placeholder", tags={"a": 1}),
                "options": lambda: client.read("a", options={"a": object()}),
                "name": lambda: client.read(None),
            }.items():
                with self.subTest(field=field), self.assertRaises(SecretBrokerError) as caught:
                    call()
                if field != "name":
                    self.assertEqual([each.field for each in caught.exception.violations], [field])
                    self.assertNotIn("placeholder", str(caught.exception))

    def test_addresses(self) -> None:
        for address in ("127.0.0.1:50051", "[::1]:1", "localhost:1", "unix:/run/a.sock"):
            Client(address).close()
        Client("broker.example.org:443", tls=Tls()).close()
        for address in ("broker.example.org:443", "10.0.0.1:1", "unix:", "127.0.0.1", ""):
            with self.subTest(address=address), self.assertRaises(SecretBrokerError) as caught:
                Client(address)
            self.assertEqual(caught.exception.violations[0].field, "address")
        for timeout in (0, -1, float("nan")):
            with self.assertRaises(SecretBrokerError):
                Client(timeout=timeout)

    def test_an_error_says_its_reason(self) -> None:
        error = SecretBrokerError("POLICY_DENIED", "policy does not allow it")
        self.assertEqual(str(error), "policy does not allow it (POLICY_DENIED)")
        self.assertEqual(pickle.loads(pickle.dumps(error)).reason, "POLICY_DENIED")


if __name__ == "__main__":
    unittest.main()
