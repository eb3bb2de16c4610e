"""What the README shows can be done as it stands there."""

from __future__ import annotations

import contextlib
import io
import re
import unittest
from pathlib import Path

from .broker import RunningBroker

CONFIG = """
general_settings:
  key_management_settings: { access_mode: read_and_write }
secret_broker:
  manager: { kind: sqlite, path: secrets.db }
  encryption: { kind: file, path: secrets.key }
  listen: 127.0.0.1:0
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
"""


class Readme(unittest.TestCase):
    def test_can_be_followed(self) -> None:
        broker = RunningBroker({"config.yaml": CONFIG})
        self.addCleanup(broker.stop)
        text = Path(__file__).parents[1].joinpath("README.md").read_text("utf8")
        printed = io.StringIO()
        names: dict[str, object] = {}
        with contextlib.redirect_stdout(printed):
            for block in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S):
                exec(compile(block.replace("127.0.0.1:50051", broker.address), "README.md", "exec"), names)
        lines = printed.getvalue().splitlines()
        self.assertEqual(lines[:6], ["sk-...", "sk-...", "svc", "Secret", "SecretBrokerError", "Secret"])
        self.assertEqual(lines[6:9], ["['OPENAI_API_KEY', 'certificate', 'database']", "2", "deleted"])
        self.assertRegex(lines[9], r"^SECRET_NOT_FOUND StatusCode.NOT_FOUND \S+ True$")


if __name__ == "__main__":
    unittest.main()
