"""Writes src/secret_broker/_generated from the .proto files; with --check only says whether that would change anything.

usage: python3 clients/python/generate.py [--check]

Needs the package grpcio-tools, in the version the generated files name. Two things are changed in what it writes:
imports are made to lie within this package, and the guards that tie the files to the newest runtime are left out.
pyproject.toml says which runtimes are served, and the tests are run with the oldest and the newest of them.
"""

from __future__ import annotations

import re
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
TARGET = HERE / "src/secret_broker/_generated"
PACKAGE = "secret_broker._generated"
SOURCES = ("proto", "third_party")


def generate() -> dict[str, str]:
    """What the generated folder should hold: text by relative path."""
    from grpc_tools import protoc

    with tempfile.TemporaryDirectory() as folder:
        protos = sorted(str(path.relative_to(REPOSITORY / "proto")) for path in (REPOSITORY / "proto").rglob("*.proto"))
        includes = [f"-I{REPOSITORY / source}" for source in SOURCES]
        includes.append(f"-I{files('grpc_tools') / '_proto'}")
        arguments = ["protoc", *includes, f"--python_out={folder}", f"--pyi_out={folder}", *protos]
        if protoc.main(arguments) != 0:
            raise SystemExit("protoc failed; what it says stands above")
        written = [path for path in Path(folder).rglob("*") if path.is_file()]
        texts = {str(path.relative_to(folder)): rewrite(path.read_text("utf8")) for path in written}
    folders = {parent for path in texts for parent in Path(path).parents}
    return texts | {str(parent / "__init__.py"): '"""Generated; see generate.py."""\n' for parent in folders}


def rewrite(text: str) -> str:
    """A generated file with imports within this package and without guards."""
    text = re.sub(r"^from secretbroker\.", f"from {PACKAGE}.secretbroker.", text, flags=re.MULTILINE)
    text = re.sub(r"^from google\.protobuf import runtime_version.*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^_runtime_version\.ValidateProtobufRuntimeVersion\((?:\n .*)*\n\)\n", "", text, flags=re.MULTILINE)


def present() -> dict[str, str]:
    """What the generated folder holds."""
    found = (path for path in TARGET.rglob("*") if path.suffix in (".py", ".pyi"))
    return {str(path.relative_to(TARGET)): path.read_text("utf8") for path in found}


def main(arguments: list[str]) -> int:
    """Writes the folder, or compares it."""
    wanted, there = generate(), present()
    if arguments == ["--check"]:
        stale = sorted(path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path))
        if stale:
            print(f"stale: {', '.join(stale)}; run python3 clients/python/generate.py", file=sys.stderr)
        return 1 if stale else 0
    for path in there.keys() - wanted.keys():
        (TARGET / path).unlink()
    for path, text in wanted.items():
        (TARGET / path).parent.mkdir(parents=True, exist_ok=True)
        (TARGET / path).write_text(text, "utf8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
