"""What the plug-in says where it cannot work; needs a Python without LiteLLM."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path


class WithoutARelease(unittest.TestCase):
    def complaint(self, files: dict[str, str]) -> str:
        """The last line that a Python prints which has these files too."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name, text in files.items():
            path = Path(folder.name, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf8")
        places = [folder.name, *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
        ran = subprocess.run(
            [sys.executable, "-c", "import secret_broker.litellm"], env=environment, capture_output=True, text=True
        )
        self.assertEqual(ran.returncode, 1)
        return ran.stderr.splitlines()[-1]

    def test_a_release_that_is_too_old_is_named(self) -> None:
        # LiteLLM 1.79.1 had integrations, and not yet the class.
        files = {
            "litellm/__init__.py": "",
            "litellm/integrations/__init__.py": "",
            "litellm-1.79.1.dist-info/METADATA": "Metadata-Version: 2.1\nName: litellm\nVersion: 1.79.1\n",
        }
        expected = "ImportError: secret_broker.litellm needs LiteLLM 1.79.3 or newer; 1.79.1 is installed"
        self.assertEqual(self.complaint(files), expected)

    def test_none_at_all_is_said(self) -> None:
        expected = "ImportError: secret_broker.litellm needs LiteLLM 1.79.3 or newer; it is not installed"
        self.assertEqual(self.complaint({}), expected)

    def test_what_a_release_lacks_itself_is_not_put_down_to_its_age(self) -> None:
        files = {
            "litellm/__init__.py": "",
            "litellm/integrations/__init__.py": "",
            "litellm/integrations/custom_secret_manager.py": "import a_package_that_it_needs\n",
        }
        self.assertEqual(self.complaint(files), "ModuleNotFoundError: No module named 'a_package_that_it_needs'")


if __name__ == "__main__":
    unittest.main()
