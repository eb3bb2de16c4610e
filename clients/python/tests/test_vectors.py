"""Both clients agree with the vectors; clients/vectors/README.md says what they mean."""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import time
import unittest
from collections.abc import Callable, Coroutine
from typing import Any

import secret_broker
from secret_broker import NotModified, Read, Secret, SecretBrokerError, aio

from .broker import VECTORS, RunningBroker, vector_files

CALLERS = json.loads((VECTORS / "callers.json").read_text("utf8"))


def expand(value: Any, saved: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [expand(item, saved) for item in value]
    if not isinstance(value, dict):
        return value
    if "repeat" in value:
        return value["repeat"] * value["times"]
    if "saved" in value:
        return saved[value["saved"]]
    return {key: expand(item, saved) for key, item in value.items()}


def differences(expected: Any, actual: Any, path: str) -> list[str]:
    if expected == "*":
        return [] if isinstance(actual, str) and actual else [f"{path} is empty"]
    if expected is None:
        return [f"{path} is there"] if actual else []
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or (path.endswith(".tags") and actual.keys() != expected.keys()):
            return [f"{path} has other members"]
        return [text for key, item in expected.items() for text in differences(item, actual.get(key), f"{path}.{key}")]
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return [f"{path} has another length"]
        return [text for index, item in enumerate(expected) for text in differences(item, actual[index], f"{path}[{index}]")]
    same = type(expected) is type(actual) and expected == actual
    return [] if same else [f"{path} is {str(actual)[:80]!r}, not {str(expected)[:80]!r}"]


def payload(args: dict[str, Any]) -> dict[str, Any]:
    """The arguments with their payload as these clients take it."""
    given = dict(args)
    if "base64" in given:
        given["payload"] = base64.b64decode(given.pop("base64"))
    elif "text" in given:
        given["payload"] = given.pop("text")
    return given


def read_ask(args: dict[str, Any]) -> Read:
    given = dict(args)
    staleness = given.pop("max_staleness_ms", None)
    return Read(**given, max_staleness=None if staleness is None else staleness / 1000)


def shown_value(value: str | bytes) -> dict[str, Any]:
    return {"text": value} if isinstance(value, str) else {"base64": base64.b64encode(value).decode()}


def shown_error(error: SecretBrokerError) -> dict[str, Any]:
    return {
        "status": error.code.name,
        "reason": error.reason,
        "fields": [violation.field for violation in error.violations],
        "metadata": error.metadata,
        "retry": error.retry_after is not None,
    }


def shown_read(answer: Any) -> dict[str, Any]:
    if isinstance(answer, NotModified):
        return {"not_modified": True, "version": answer.version, "served_from": answer.served_from}
    assert isinstance(answer, Secret)
    names = ("name", "uid", "version", "description", "tags", "served_from")
    return {"not_modified": False, **{name: getattr(answer, name) for name in names}, **shown_value(answer.payload)}


def shown_description(secret: Any) -> dict[str, Any]:
    names = ("name", "uid", "active_version", "description", "tags")
    return {**{name: getattr(secret, name) for name in names}, "deleted": secret.delete_time is not None}


def shown_version(version: Any) -> dict[str, Any]:
    return {name: getattr(version, name) for name in ("version", "active", "uid")}


def shown(op: str, answer: Any) -> dict[str, Any]:
    if op in ("read", "get"):
        return shown_read(answer)
    if op == "batch":
        return {
            "results": [
                {"error": shown_error(each)} if isinstance(each, SecretBrokerError) else {"read": shown_read(each)}
                for each in answer
            ]
        }
    if op == "list":
        return {"secrets": [shown_description(each) for each in answer.secrets], "next_page_token": answer.next_page_token}
    if op == "describe":
        versions = [shown_version(each) for each in answer.versions]
        return {"secret": shown_description(answer.secret), "versions": versions, "changed_by": answer.changed_by}
    if op == "delete":
        return {"status": answer.status, "uid": answer.uid, "restorable": answer.restorable_until is not None}
    return shown_version(answer)


def call(client: Any, op: str, args: dict[str, Any]) -> Any:
    """An answer, or for the asynchronous client a coroutine of one."""
    if op == "read":
        return client.read_unless(read_ask(args))
    if op == "batch":
        return client.batch([read_ask(each) for each in args["reads"]], atomic=args.get("atomic", False))
    if op == "rotate" and "grace_period_ms" in args:
        args = {**args, "grace_period": args.pop("grace_period_ms") / 1000}
    return getattr(client, op)(**payload(args))


class AgreesWithTheVectors(unittest.TestCase):
    def setUp(self) -> None:
        self.broker = RunningBroker(vector_files())
        self.addCleanup(lambda: self.assertEqual(self.broker.stop(), 0))

    def test_synchronous_client(self) -> None:
        clients = self.clients(secret_broker.Client)
        for client in clients.values():
            self.addCleanup(client.close)
        self.assertGreater(self.run_all(clients, lambda answer: answer), 100)

    def test_asynchronous_client(self) -> None:
        with asyncio.Runner() if hasattr(asyncio, "Runner") else _Runner() as runner:
            clients = self.clients(aio.Client)
            try:
                self.assertGreater(self.run_all(clients, runner.run), 100)
            finally:
                for client in clients.values():
                    runner.run(client.close())

    def clients(self, client_class: Callable[..., Any]) -> dict[str, Any]:
        return {
            name: client_class(
                f"unix:{self.broker.folder}/{caller['socket']}" if "socket" in caller else self.broker.address,
                token=caller.get("token"),
            )
            for name, caller in CALLERS.items()
        }

    def run_all(self, clients: dict[str, Any], wait: Callable[[Coroutine[Any, Any, Any]], Any]) -> int:
        count = 0
        for file in sorted(VECTORS.glob("[0-9]*.json")):
            saved: dict[str, Any] = {}
            for step in json.loads(file.read_text("utf8"))["steps"]:
                count += 1
                with self.subTest(file=file.name, step=step["title"]):
                    self.step(step, saved, clients[step.get("as", "owner")], wait)
        return count

    def step(self, step: dict[str, Any], saved: dict[str, Any], client: Any, wait: Callable[[Any], Any]) -> None:
        expected = expand(step.get("error", step.get("expect")), saved)
        last = time.monotonic() + (15 if step.get("eventually") else 0)
        while True:
            try:
                answer = call(client, step["op"], expand(step["args"], saved))
                seen = shown(step["op"], wait(answer) if inspect.iscoroutine(answer) else answer)
                wrong = ["it did not fail"] if "error" in step else differences(expected, seen, "answer")
            except SecretBrokerError as error:
                seen = shown_error(error)
                wrong = differences(expected, seen, "error") if "error" in step else [f"error {error}"]
                text = step["args"].get("text")
                if isinstance(text, str):
                    self.assertNotIn(text, repr(error) + str(error))
            if not wrong or time.monotonic() >= last:
                break
            wait(asyncio.sleep(0.05)) if inspect.iscoroutinefunction(client.get) else time.sleep(0.05)
        self.assertEqual(wrong, [])
        saved.update({key: seen[member] for key, member in step.get("save", {}).items()})


class _Runner:
    """asyncio.Runner for Python 3.10."""

    def __enter__(self) -> _Runner:
        self._loop = asyncio.new_event_loop()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.close()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(coroutine)


if __name__ == "__main__":
    unittest.main()
