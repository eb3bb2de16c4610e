"""What a slow broker costs LiteLLM's other requests: their p99 while completions run, with the plug-in and without.

The broker's manager takes 200 ms for a read. Nothing is left out by hosted_keys, so LiteLLM asks for every name it
looks up. Both proxies run at the same time and are asked in turn.

usage: PYTHONPATH=src .cache/peers/litellm/bin/python bench/event_loop.py [ROUNDS]
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.broker import RunningBroker  # noqa: E402

REQUESTS_PER_ROUND = 100

SLOW_MANAGER = """
import { setTimeout as sleep } from "node:timers/promises";
export class SlowManager {
  async readSecret(name) {
    await sleep(200);
    return name === "MODEL_KEY" ? "placeholder" : undefined;
  }
}
"""
BROKER = """
secret_broker:
  manager: { kind: module, class: slow_manager.SlowManager }
  listen: 127.0.0.1:0
  admin: { listen: "off" }
  audit: { sink: file, path: audit.jsonl }
"""
ANSWER = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Proxy:
    """LiteLLM's proxy, with the plug-in or with its key in the environment."""

    def __init__(self, folder: Path, provider: str, broker: str | None) -> None:
        folder.mkdir()
        general = {"master_key": "sk-master-of-the-proxy"}
        if broker is not None:
            settings = {"custom_secret_manager": "broker_secrets.BrokerSecretManager"}
            general |= {"key_management_system": "custom", "key_management_settings": settings}
        parameters = {"model": "openai/gpt-4", "api_base": provider, "api_key": "os.environ/MODEL_KEY"}
        config = {"general_settings": general, "model_list": [{"model_name": "gpt", "litellm_params": parameters}]}
        (folder / "config.yaml").write_text(json.dumps(config))
        (folder / "broker_secrets.py").write_text("from secret_broker.litellm import BrokerSecretManager\n")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        own = {"SECRET_BROKER_ADDRESS": broker} if broker else {"MODEL_KEY": "placeholder"}
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [str(Path(sys.executable).parent / "litellm"), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env={**os.environ, **own, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONPATH": str(HERE.parent / "src")},
            stdout=self._log,
            stderr=self._log,
        )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

    def wait(self) -> None:
        """Until it serves."""
        last = time.monotonic() + 180
        while time.monotonic() < last and self._process.poll() is None:
            try:
                self.http.get("/health/liveliness")
                return
            except httpx.TransportError:
                time.sleep(0.2)
        raise SystemExit(f"LiteLLM did not start: {Path(self._log.name).read_text()[-3000:]}")

    def complete(self) -> None:
        """One completion."""
        body = {"model": "gpt", "messages": [{"role": "user", "content": "well?"}]}
        self.http.post("/v1/chat/completions", json=body, headers={"authorization": "Bearer sk-master-of-the-proxy"}).raise_for_status()

    def round(self) -> list[float]:
        """How long other requests take while completions run, in seconds."""
        done = threading.Event()

        def completions() -> None:
            while not done.is_set():
                self.complete()

        thread = threading.Thread(target=completions)
        thread.start()
        times = []
        for _ in range(REQUESTS_PER_ROUND):
            started = time.perf_counter()
            self.http.get("/health/liveliness")
            times.append(time.perf_counter() - started)
        done.set()
        thread.join()
        return times

    def stop(self) -> None:
        """Ends it."""
        self.http.close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def main(rounds: int) -> None:
    """Prints one line of JSON: medians and p99 in milliseconds, and the ratio of the p99."""
    provider = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{provider.server_address[1]}/v1"
    broker = RunningBroker({"config.yaml": BROKER, "slow_manager.mjs": SLOW_MANAGER})
    with tempfile.TemporaryDirectory() as folder:
        proxies = {"without": Proxy(Path(folder, "without"), url, None), "with": Proxy(Path(folder, "with"), url, broker.address)}
        times: dict[str, list[float]] = {name: [] for name in proxies}
        try:
            for proxy in proxies.values():
                proxy.wait()
            for proxy in proxies.values():
                proxy.complete()
                proxy.round()
            for _ in range(rounds):
                for name, proxy in proxies.items():
                    times[name].extend(proxy.round())
        finally:
            for proxy in proxies.values():
                proxy.stop()
            broker.stop()
            provider.shutdown()
    p50 = {name: round(statistics.median(each) * 1e3, 2) for name, each in times.items()}
    p99 = {name: round(statistics.quantiles(each, n=100)[98] * 1e3, 2) for name, each in times.items()}
    print(json.dumps({"p50_ms": p50, "p99_ms": p99, "p99_ratio": round(p99["with"] / p99["without"], 2)}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
