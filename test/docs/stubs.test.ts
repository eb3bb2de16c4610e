import { followDocument } from "./follow-document.js";

// What scripts/ci/install-peers.sh installs from Debian's packages. Compiling C++ takes its time.
followDocument("docs/stubs.md", {
  needs: ["grpc_tools_ruby_protoc", "ruby", "grpc_cpp_plugin", "protoc", "c++", "pkg-config"],
  longestMs: 480_000,
});
