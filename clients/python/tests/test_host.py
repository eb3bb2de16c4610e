"""The host over its socket, as the broker sees it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import grpc

from secret_broker._generated.secretbroker.manager.v1 import secret_manager_pb2 as wire

from .hosted import Host

SEED = Path(__file__).parents[4] / "shared/seed/custom-secret-manager.md"


def text(value: str) -> wire.Payload:
    return wire.Payload(text=value)


class HostTest(unittest.TestCase):
    def open(self, file: str, class_name: str) -> Host:
        host = Host(file, class_name)
        self.addCleanup(host.close)
        self.assertTrue(host.said["ready"], host.said)
        return host

    def fails(self, host: Host, method: str, **fields: object) -> tuple[str, str]:
        with self.assertRaises(grpc.RpcError) as caught:
            host.call(method, **fields)
        return caught.exception.code().name, caught.exception.details()


class TheSeedsClass(HostTest):
    def check(self, file: str, class_name: str, name: str, value: str) -> None:
        host = self.open(file, class_name)
        self.assertEqual(host.said, {"ready": True, "address": f"unix:{host.socket}"})
        self.assertEqual(host.mode() & 0o077, 0, "the socket is its owner's alone")
        shaken = host.call("Handshake", min_protocol_version=1, max_protocol_version=1, broker_version="test")
        self.assertEqual((shaken.protocol_version, shaken.name, list(shaken.capabilities)), (1, class_name, []))
        read = host.call("ReadSecret", name=name)
        self.assertEqual((read.name, read.payload.text, read.version.version), (name, value, 0))
        self.assertEqual(self.fails(host, "ReadSecret", name="ABSENT"), ("NOT_FOUND", "no such secret"))
        self.assertEqual(self.fails(host, "WriteSecret", name="A", payload=text("x"), activate=True)[0], "UNIMPLEMENTED")
        self.assertEqual(self.fails(host, "ListSecrets", page_size=1)[0], "UNIMPLEMENTED")
        self.assertTrue(host.call("ValidateEnvironment").valid)
        self.assertTrue(host.call("CheckHealth").healthy)
        self.assertEqual(host.stop(), (0, ""))

    @unittest.skipUnless(SEED.exists(), "the seed's document is not beside this clone")
    def test_is_served_byte_for_byte(self) -> None:
        code = re.search(r'^```python[^\n]*title="my_secret_manager\.py"\n(.*?)^```', SEED.read_text("utf8"), re.M | re.S)
        assert code
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "my_secret_manager.py")
            file.write_text(code[1], "utf8")
            self.check(str(file), "InMemorySecretManager", "ANTHROPIC_API_KEY", "sk-ant-...")

    def test_is_served_in_our_own_words(self) -> None:
        self.check("own_secret_manager.py", "OwnSecretManager", "OPENAI_API_KEY", "placeholder-openai")


class TheCookbooksShapes(HostTest):
    def test_are_mapped_both_ways(self) -> None:
        host = self.open("every_shape.py", "Whole")
        shaken = host.call("Handshake", min_protocol_version=1, max_protocol_version=9, broker_version="test")
        self.assertEqual(list(shaken.capabilities), [wire.CAPABILITY_WRITE, wire.CAPABILITY_DELETE])
        call = wire.CallContext(request_id="r")
        call.options.update({"region": "eu", "retries": 3, "ratio": 0.5, "deep": {"a": [1, None, True]}})
        host.call("WriteSecret", name="A", payload=text("v"), description="d", tags={"t": "1"}, activate=True, call=call)
        self.assertEqual(host.call("ReadSecret", name="A").payload.text, "v")
        expected = repr(("d", {"region": "eu", "retries": 3, "ratio": 0.5, "deep": {"a": [1, None, True]}}, {"t": "1"}))
        written = host.call("ReadSecret", name="WRITTEN").payload.text
        self.assertEqual(sorted(written), sorted(expected))
        host.call("WriteSecret", name="B", payload=text(""), activate=True)
        self.assertEqual(host.call("ReadSecret", name="WRITTEN").payload.text, repr((None, None, None)))
        self.assertEqual(host.call("ReadSecret", name="OPTIONS", call=call).payload.text[-4:], "True")
        self.assertEqual(host.call("ReadSecret", name="EMPTY").payload.WhichOneof("payload"), "text")
        self.assertEqual(host.call("ReadSecret", name="BYTES").payload.binary, b"\x00\xff")
        self.assertTrue(host.call("DeleteSecret", name="A", recovery_window_in_days=30).deleted)
        self.assertEqual(host.call("ReadSecret", name="WINDOW").payload.text, "30")
        self.assertFalse(host.call("DeleteSecret", name="A", recovery_window_in_days=7).deleted)
        self.assertTrue(host.call("CheckHealth").healthy)
        host.call("WriteSecret", name="UNHEALTHY", payload=text("x"), activate=True)
        self.assertFalse(host.call("CheckHealth").healthy)
        log = host.log()
        self.assertEqual(host.stop(), (0, ""), "nothing but the one line is printed")
        for printed in ("printed while imported", "ALL SECRETS=", "written past Python"):
            self.assertIn(printed, log)

    def test_that_are_failures_stay_in_the_log(self) -> None:
        host = self.open("every_shape.py", "Whole")
        call = wire.CallContext(request_id="request-1")
        for name, code in {"RAISES": "INTERNAL", "LATE": "DEADLINE_EXCEEDED", "DICT": "INTERNAL", "SURROGATE": "INTERNAL"}.items():
            failed = self.fails(host, "ReadSecret", name=name, call=call)
            self.assertEqual(failed[0], code, name)
            self.assertNotIn("text-of", failed[1])
        for name, code in {"error": "INTERNAL", "not_supported": "UNIMPLEMENTED", "NOT_IMPLEMENTED": "UNIMPLEMENTED"}.items():
            failed = self.fails(host, "WriteSecret", name=name, payload=text("x"), activate=True, call=call)
            self.assertEqual(failed[0], code, name)
            self.assertNotIn("text-of", failed[1])
        binary = self.fails(host, "WriteSecret", name="A", payload=wire.Payload(binary=b"x"), activate=True)
        self.assertEqual(binary[0], "UNIMPLEMENTED")
        self.assertEqual(self.fails(host, "ReadSecret", name="A", version=1)[0], "UNIMPLEMENTED")
        later = self.fails(host, "Handshake", min_protocol_version=2, max_protocol_version=3)
        self.assertEqual(later[0], "FAILED_PRECONDITION")
        log = host.log()
        for text_of in ("text-of-the-exception", "text-of-the-reply", "request request-1"):
            self.assertIn(text_of, log)

    def test_with_a_rotation_of_its_own(self) -> None:
        host = self.open("every_shape.py", "Rotating")
        shaken = host.call("Handshake", min_protocol_version=1, max_protocol_version=1)
        self.assertIn(wire.CAPABILITY_ROTATE, shaken.capabilities)
        self.assertEqual(self.fails(host, "RotateSecret", name="A", new_name="A", payload=text("x"))[0], "NOT_FOUND")
        for name in ("A", "TAKEN"):
            host.call("WriteSecret", name=name, payload=text("old"), activate=True)
        host.call("RotateSecret", name="A", new_name="A", payload=text("new"))
        self.assertEqual(host.call("ReadSecret", name="A").payload.text, "new")
        taken = self.fails(host, "RotateSecret", name="A", new_name="TAKEN", payload=text("x"))
        self.assertEqual(taken[0], "ALREADY_EXISTS")


class OtherShapes(HostTest):
    def test_synchronous_methods_run_in_threads(self) -> None:
        host = self.open("every_shape.py", "OnlySync")
        shaken = host.call("Handshake", min_protocol_version=1, max_protocol_version=1)
        self.assertEqual(shaken.max_concurrent_calls, 32)
        slow = host.start("ReadSecret", name="SLOW")
        self.assertEqual(host.call("ReadSecret", name="A").payload.text, "A in a thread")
        host.call("WriteSecret", name="A", payload=text("x"), activate=True)
        checked = host.call("ValidateEnvironment")
        self.assertFalse(checked.valid)
        self.assertNotIn("text-of", checked.notes[0])
        slow.cancel()
        self.assertEqual(host.stop(), (0, ""), "a thread that hangs does not keep the process")

    def test_a_read_that_is_not_implemented_asynchronously_is_made_the_other_way(self) -> None:
        host = self.open("every_shape.py", "AsyncNotImplemented")
        for _ in range(2):
            self.assertEqual(host.call("ReadSecret", name="A").payload.text, "read the other way")
        self.assertFalse(host.call("ValidateEnvironment").valid)

    def test_cancellation_and_deadline_reach_the_class(self) -> None:
        host = self.open("every_shape.py", "Whole")
        with self.assertRaises(grpc.RpcError) as caught:
            host.call("ReadSecret", timeout=0.5, name="SLOW")
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertEqual(host.call("ReadSecret", name="WAS_CANCELLED").payload.text, "yes")
        other = self.open("every_shape.py", "Whole")
        running = other.start("ReadSecret", name="SLOW")
        other.call("ReadSecret", name="EMPTY")
        running.cancel()
        self.assertEqual(other.call("ReadSecret", name="WAS_CANCELLED").payload.text, "yes")

    def test_a_class_that_holds_the_loop_does_not_outlive_the_broker(self) -> None:
        host = self.open("every_shape.py", "HoldsTheLoop")
        host.start("ReadSecret", name="A")
        self.assertEqual(host.stop(), (0, ""))


class WhatCannotBeServed(unittest.TestCase):
    def refused(self, file: str, class_name: str) -> tuple[dict[str, object], str]:
        host = Host(file, class_name)
        host.wait()
        log = host.log()
        self.assertEqual(host.stop(), (3, ""))
        self.assertEqual(host.said.pop("ready"), False)
        return host.said, log

    def test_is_told_in_one_line(self) -> None:
        cases = {
            ("needs_a_module.py", "A"): ("IMPORT_FAILED", "ModuleNotFoundError: a_module_nobody_has"),
            ("leaves.py", "A"): ("IMPORT_FAILED", "SystemExit"),
            ("no_such_file.py", "A"): ("IMPORT_FAILED", "FileNotFoundError"),
            ("own_secret_manager.py", "Own"): ("CLASS_NOT_FOUND", "Own; there is OwnSecretManager"),
            ("every_shape.py", "function"): ("NOT_A_MANAGER", "function is not a class"),
            ("every_shape.py", "NoManager"): (
                "NOT_A_MANAGER",
                "NoManager has neither async_read_secret nor sync_read_secret",
            ),
            ("every_shape.py", "Unfinished"): ("NOT_A_MANAGER", "Unfinished does not implement async_read_secret"),
            ("every_shape.py", "Raises"): ("CONSTRUCTOR_FAILED", "ValueError"),
        }
        for (file, class_name), (reason, detail) in cases.items():
            with self.subTest(file=file, class_name=class_name):
                said, log = self.refused(file, class_name)
                self.assertEqual(said, {"reason": reason, "detail": detail})
                if reason in ("IMPORT_FAILED", "CONSTRUCTOR_FAILED"):
                    self.assertIn("Traceback", log)

    def test_without_grpcio(self) -> None:
        # -S leaves the installed packages out; only this one is given back.
        source = Path(__file__).parents[1] / "src"
        blocked = f"import sys, runpy; sys.path.insert(0, {str(source)!r}); sys.argv[0] = 'host'; "
        blocked += "runpy.run_module('secret_broker.host', run_name='__main__')"
        arguments = ["--module", "x", "--class", "X", "--listen", "unix:/nowhere"]
        ran = subprocess.run([sys.executable, "-S", "-c", blocked, *arguments], capture_output=True, timeout=60)
        self.assertEqual(ran.returncode, 3, ran.stderr)
        said = json.loads(ran.stdout)["secret_broker_host"]
        self.assertEqual(said, {"ready": False, "reason": "GRPCIO_MISSING", "detail": "grpcio is not installed for this Python"})


if __name__ == "__main__":
    unittest.main()
