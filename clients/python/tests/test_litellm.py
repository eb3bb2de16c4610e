"""LiteLLM's own functions and hooks with the broker behind them; needs LiteLLM."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import signal
import subprocess
import sys
import time
import unittest
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any
from unittest import mock

from secret_broker import Client, SecretBrokerError

from .broker import RunningBroker, vector_files
from .test_vectors import CALLERS

HAS_LITELLM = find_spec("litellm") is not None and find_spec("litellm.proxy") is not None

# The oldest release that the plug-in takes tells its secret manager less of virtual keys than newer ones do.
TELLS_LESS = HAS_LITELLM and version("litellm").startswith("1.79.")

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # Asks nobody for prices.


FORKS = """
import os
from secret_broker import litellm as plugin
manager = plugin.BrokerSecretManager()
with plugin._clients.lock:  # As held by another thread that makes a client.
    child = os.fork()
    if child == 0:
        print(manager.sync_read_secret("shared/openai"), flush=True)
        os._exit(0)
print(manager.sync_read_secret("shared/openai"), flush=True)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


class VirtualKeys:
    """LiteLLM's hooks, as its endpoints call them."""

    def __init__(self) -> None:
        from litellm.proxy import _types
        from litellm.proxy.hooks.key_management_event_hooks import KeyManagementEventHooks

        self._hooks: Any = KeyManagementEventHooks
        self._types: Any = _types
        self._admin = _types.UserAPIKeyAuth()

    async def generate(self, alias: str, key: str) -> None:
        request = self._types.GenerateKeyRequest(key_alias=alias)
        await self._hooks.async_key_generated_hook(request, self._response(key, alias), self._admin)

    async def regenerate(self, alias: str, key: str, request: dict[str, str] | None) -> None:
        sent = None if request is None else self._types.RegenerateKeyRequest(**request)
        try:
            await self._hooks.async_key_rotated_hook(sent, self._row(alias), self._response(key, alias), self._admin)
        except Exception as error:
            # Once the key is stored, the oldest release looks for an e-mail that its own package does not have yet.
            if not TELLS_LESS or "Email Hooks" not in str(error):
                raise

    async def rename(self, alias: str, new_alias: str) -> None:
        request = self._types.UpdateKeyRequest(key="hashed", key_alias=new_alias)
        await self._hooks.async_key_updated_hook(request, self._row(alias), {}, self._admin)

    async def delete(self, *aliases: str) -> None:
        rows = [self._row(alias) for alias in aliases]
        await self._hooks.async_key_deleted_hook(self._types.KeyRequest(keys=["hashed"]), rows, {}, self._admin)

    def _response(self, key: str, alias: str) -> Any:
        return self._types.GenerateKeyResponse(key=key, token_id="hashed", key_alias=alias)

    def _row(self, alias: str) -> Any:
        return self._types.LiteLLM_VerificationToken(token="hashed", key_alias=alias)


@unittest.skipUnless(HAS_LITELLM, "LiteLLM is not installed in this Python")
class LiteLLMOverTheBroker(unittest.TestCase):
    def setUp(self) -> None:
        self.broker = RunningBroker(vector_files())
        self.addCleanup(self.broker.stop)
        self.owner = Client(self.broker.address, token=CALLERS["owner"]["token"])
        self.addCleanup(self.owner.close)
        self.logged = io.StringIO()
        self.use("owner")

    def use(self, caller: str, **settings: Any) -> Any:
        """Makes LiteLLM use the broker as a caller; this is what its loader of custom managers sets."""
        import litellm
        from litellm.types.secret_managers.main import KeyManagementSettings, KeyManagementSystem

        from secret_broker import litellm as plugin

        environment = {
            "SECRET_BROKER_ADDRESS": self.broker.address,
            "SECRET_BROKER_TOKEN": CALLERS[caller]["token"],
            "SECRET_BROKER_READ_TIMEOUT": "10",
        }
        for name in [name for name in os.environ if name.startswith("SECRET_BROKER_") and name != "SECRET_BROKER_NODE"]:
            del os.environ[name]
        patch = mock.patch.dict(os.environ, environment)
        patch.start()
        self.addCleanup(patch.stop)
        self.addCleanup(self.close_clients)
        litellm.secret_manager_client = plugin.BrokerSecretManager()
        litellm._key_management_system = KeyManagementSystem.CUSTOM
        litellm._key_management_settings = KeyManagementSettings(
            custom_secret_manager="broker_secrets.BrokerSecretManager",
            access_mode="read_and_write",
            store_virtual_keys=True,
            description="LiteLLM virtual key",
            tags={"Environment": "Production"},
            **settings,
        )
        for name in ("LiteLLM", "LiteLLM Proxy", "secret_broker.litellm"):
            logger = logging.getLogger(name)
            logger.setLevel(logging.DEBUG)
            handler = logging.StreamHandler(self.logged)
            logger.addHandler(handler)
            self.addCleanup(logger.removeHandler, handler)
        return litellm.secret_manager_client

    def close_clients(self) -> None:
        from secret_broker import litellm as plugin

        for client in plugin._clients.made.values():
            client.close()
        plugin._clients.made.clear()

    def test_reads_by_its_own_functions(self) -> None:
        from litellm.secret_managers.main import get_secret, get_secret_str

        self.owner.write("shared/openai", "placeholder-provider-key")
        self.assertEqual(get_secret("os.environ/shared/openai"), "placeholder-provider-key")
        with mock.patch.dict(os.environ, {"IN_ENVIRONMENT": "from-the-environment"}):
            self.assertEqual(get_secret_str("IN_ENVIRONMENT"), "from-the-environment")
        self.assertIsNone(get_secret_str("NOWHERE"))
        self.assertNotIn("placeholder-provider-key", self.logged.getvalue())

    def test_a_read_on_the_event_loop_asks_only_once_and_sees_changes(self) -> None:
        manager = self.use("owner")
        self.owner.write("shared/openai", "placeholder-one")

        async def reads() -> list[str | None]:
            seen = [manager.sync_read_secret("shared/openai") for _ in range(50)]
            self.owner.write("shared/openai", "placeholder-two")
            for _ in range(1500):
                if manager.sync_read_secret("shared/openai") == "placeholder-two":
                    break
                await asyncio.sleep(0.01)
            return [*seen[-1:], manager.sync_read_secret("shared/openai")]

        self.assertEqual(asyncio.run(reads()), ["placeholder-one", "placeholder-two"])
        audit = (self.broker.folder / "audit.jsonl").read_text("utf8")
        self.assertEqual(audit.count('"action":"read"'), 1)

    def test_keeps_virtual_keys_by_its_own_hooks(self) -> None:
        async def life(keys: VirtualKeys) -> None:
            await keys.generate("alice", "sk-placeholder-1")
            kept = self.owner.read("litellm/alice")
            self.assertEqual((kept.text, kept.description, kept.tags), ("sk-placeholder-1", "LiteLLM virtual key", {"Environment": "Production"}))

            await keys.regenerate("alice", "sk-placeholder-2", {"key_alias": "alice"})
            kept = self.owner.read("litellm/alice")
            self.assertEqual((kept.text, kept.version, kept.tags), ("sk-placeholder-2", 2, {"Environment": "Production"}))

            await keys.regenerate("older-than-the-broker", "sk-placeholder-3", {"key_alias": "older-than-the-broker"})
            self.assertEqual(self.owner.read("litellm/older-than-the-broker").text, "sk-placeholder-3")

            await keys.generate("carol", "sk-placeholder-4")
            await keys.delete("gone/", "absent", "alice", "carol")
            for alias in ("alice", "carol"):
                with self.assertRaises(SecretBrokerError) as caught:
                    self.owner.read(f"litellm/{alias}")
                self.assertEqual(caught.exception.reason, "SECRET_DELETED")

        with mock.patch.dict("litellm.proxy.proxy_server.general_settings", {"alerting": ["email"]} if TELLS_LESS else {}):
            asyncio.run(life(VirtualKeys()))
        self.assertIn("did not delete the secret 'litellm/gone/'", self.logged.getvalue())
        self.assertNotIn("sk-placeholder", self.logged.getvalue())

    def test_keeps_virtual_keys_as_far_as_the_hooks_tell_of_them(self) -> None:
        def is_kept(alias: str) -> str:
            try:
                return self.owner.read(f"litellm/{alias}").text
            except SecretBrokerError as error:
                return error.reason

        async def newer_life(keys: VirtualKeys) -> None:
            await keys.generate("alice", "sk-placeholder-1")
            self.assertEqual(is_kept("alice"), "sk-placeholder-1")
            for number, request in ((2, {}), (3, None)):
                await keys.regenerate("alice", f"sk-placeholder-{number}", request)
                self.assertEqual(is_kept("alice"), f"sk-placeholder-{number}")
            await keys.rename("alice", "bob")
            self.assertEqual((is_kept("alice"), is_kept("bob")), ("SECRET_DELETED", "sk-placeholder-3"))

        async def older_life(keys: VirtualKeys) -> None:
            with self.assertRaisesRegex(ValueError, "Email alerting not setup"):
                await keys.generate("alice", "sk-placeholder-1")
            self.assertEqual(is_kept("alice"), "SECRET_NOT_FOUND")
            self.owner.write("litellm/alice", "sk-placeholder-1")
            await keys.rename("alice", "bob")
            await keys.regenerate("alice", "sk-placeholder-2", None)
            self.assertEqual((is_kept("alice"), is_kept("bob")), ("sk-placeholder-1", "SECRET_NOT_FOUND"))
            await keys.regenerate("alice", "sk-placeholder-3", {})
            self.assertEqual((is_kept("alice"), is_kept("virtual-key-hashed")), ("SECRET_DELETED", "sk-placeholder-3"))

        asyncio.run((older_life if TELLS_LESS else newer_life)(VirtualKeys()))
        self.assertNotIn("sk-placeholder", self.logged.getvalue())

    def test_raises_what_it_could_not_do(self) -> None:
        manager = self.use("reader")
        self.assertIsNone(manager.sync_read_secret("shared/absent"))
        for read in (manager.sync_read_secret, lambda name: asyncio.run(manager.async_read_secret(name))):
            with self.assertRaises(SecretBrokerError) as caught:
                read("teams/b/key")
            self.assertEqual(caught.exception.reason, "POLICY_DENIED")
        for refused in (
            manager.async_write_secret("shared/a", "sk-placeholder"),
            manager.async_rotate_secret("shared/a", "shared/a", "sk-placeholder"),
            manager.async_update_secret_value("shared/a", "sk-placeholder"),
        ):
            with self.assertRaises(SecretBrokerError) as caught:
                asyncio.run(refused)
            self.assertNotIn("sk-placeholder", str(caught.exception))
        self.broker.kill()
        with self.assertRaises(SecretBrokerError) as caught:
            asyncio.run(manager.async_delete_secret("shared/a", timeout=0.5))
        self.assertEqual(caught.exception.reason, "MANAGER_UNAVAILABLE")

    def test_outlives_the_broker_for_a_while_and_finds_it_again(self) -> None:
        manager = self.use("owner")
        self.owner.write("shared/openai", "placeholder-one")
        self.assertEqual(manager.sync_read_secret("shared/openai"), "placeholder-one")
        self.broker.kill()
        self.assertEqual(manager.sync_read_secret("shared/openai"), "placeholder-one")
        with self.assertRaises(SecretBrokerError):
            manager.sync_read_secret("shared/never-read")
        self.assertFalse(asyncio.run(manager.async_health_check(0.2)))

    def test_changes_wait_for_a_broker_that_restarts(self) -> None:
        manager = self.use("owner")
        for name in ("shared/rotated", "shared/deleted"):
            self.owner.write(name, "old")

        async def change() -> None:
            await manager.async_read_secret("shared/rotated")
            self.broker.kill()
            calls = (
                manager.async_write_secret("shared/written", "new"),
                manager.async_rotate_secret("shared/rotated", "shared/rotated", "new"),
                manager.async_delete_secret("shared/deleted"),
            )
            changes = [asyncio.create_task(call) for call in calls]
            done, _ = await asyncio.wait(changes, timeout=1.5)
            self.assertEqual(done, set())
            await asyncio.to_thread(self.broker.start)
            self.assertEqual([(await each)["status"] for each in changes], ["success", "success", "deleted"])

        with mock.patch.dict(os.environ, {"SECRET_BROKER_TIMEOUT": "60"}):
            asyncio.run(change())
        self.assertEqual([self.owner.read(f"shared/{name}").text for name in ("written", "rotated")], ["new", "new"])

    def test_changes_wait_no_longer_than_they_may_take(self) -> None:
        manager = self.use("owner")
        self.broker.kill()

        def seconds_of(timeout: float | None) -> float:
            began = time.monotonic()
            with self.assertRaises(SecretBrokerError) as caught:
                asyncio.run(manager.async_write_secret("shared/a", "sk-placeholder", timeout=timeout))
            self.assertEqual(caught.exception.reason, "MANAGER_UNAVAILABLE")
            return time.monotonic() - began

        with mock.patch.dict(os.environ, {"SECRET_BROKER_TIMEOUT": "3"}):
            self.assertGreater(seconds_of(None), 2.9)
            self.assertLess(seconds_of(0.1), 2.5)

    def test_does_what_is_asked_of_one_name_in_that_order(self) -> None:
        manager = self.use("owner")

        async def asked_at_once(name: str) -> None:
            # LiteLLM asks from tasks that it waits for nowhere, after it has answered its caller.
            calls = [
                manager.async_write_secret(name, "first"),
                manager.async_rotate_secret(name, name, "second"),
                manager.async_delete_secret(name),
                manager.async_write_secret(name, "third"),
                manager.async_rotate_secret(name, f"{name}-moved", "fourth"),
                manager.async_write_secret(name, "fifth"),
            ]
            await asyncio.gather(*(asyncio.create_task(call) for call in calls))

        async def all_asked() -> None:
            await asyncio.gather(*(asked_at_once(f"litellm/in-order-{number}") for number in range(20)))
            self.assertEqual(list(manager._turns._last.values()), [{}])

        asyncio.run(all_asked())
        for number in range(20):
            name = f"litellm/in-order-{number}"
            self.assertEqual(self.owner.read(name, max_staleness=0).text, "fifth")
            self.assertEqual(self.owner.read(f"{name}-moved", max_staleness=0).text, "fourth")

    def test_is_made_twice(self) -> None:
        first, second = self.use("owner"), self.use("owner")
        self.assertIs(first._client(), second._client())

    def test_is_made_before_a_fork(self) -> None:
        self.owner.write("shared/openai", "placeholder-one")
        # In a process that has made no call yet, as that of a server before it forks its workers; and in a group of its
        # own, as a child that hangs must not outlast the test.
        arguments = [sys.executable, "-c", FORKS]
        forking = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, start_new_session=True)
        try:
            printed = forking.communicate(timeout=120)[0]
        except subprocess.TimeoutExpired:
            os.killpg(forking.pid, signal.SIGKILL)
            forking.communicate()
            self.fail("the child waits for a lock that the parent held")
        self.assertEqual((forking.returncode, printed), (0, "placeholder-one\nplaceholder-one\n"))

    def test_takes_every_shape_of_settings(self) -> None:
        import httpx

        manager = self.use("owner")
        settings = {"access_mode": "read_only", "custom_secret_manager": "a.B", "aws_web_identity_token": "placeholder"}
        self.owner.write("shared/a", "v")
        self.assertEqual(manager.sync_read_secret("shared/a", settings, httpx.Timeout(5)), "v")
        team = {"vault_namespace": "team-a", "nested": {"list": [1, None]}}
        self.assertEqual(manager.sync_read_secret("shared/a", team), "v")
        tags = [{"Key": "Owner", "Value": "platform"}]
        asyncio.run(manager.async_write_secret("shared/b", "w", "d", team, httpx.Timeout(5), tags))
        self.assertEqual(self.owner.read("shared/b").tags, {"Owner": "platform"})
        self.owner.write("shared/bytes", b"\xff\x00")
        with self.assertRaises(SecretBrokerError):
            manager.sync_read_secret("shared/bytes")
        self.assertNotIn("placeholder", self.logged.getvalue())
        for variable in ("SECRET_BROKER_READ_TIMEOUT", "SECRET_BROKER_MAX_STALENESS", "SECRET_BROKER_TIMEOUT"):
            with mock.patch.dict(os.environ, {variable: "soon"}), self.assertRaises(SecretBrokerError) as caught:
                type(manager)()
            self.assertIn(variable, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
