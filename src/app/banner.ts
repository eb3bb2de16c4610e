import type { Config } from "../config/config.js";

/** What a started broker tells whoever started it. */
export interface BannerFacts {
  readonly config: Config;
  readonly managerName: string;
  readonly addresses: readonly string[];
  readonly adminAddress: string | undefined;
}

/** A secret that the quick start's class holds; what to try when the configuration names none. */
const likelyName = "OPENAI_API_KEY";

/** Where the broker listens, and three lines to paste into a shell that work as printed. */
export function formatBanner({ config, managerName, addresses, adminAddress }: BannerFacts): string {
  const [address = ""] = addresses;
  return [
    `secret-broker serves ${managerName} (${config.keyManagement.accessMode})`,
    ...addresses.map((each) => `  gRPC     ${each}`),
    ...(adminAddress === undefined ? [] : [`  metrics  ${adminUrl(adminAddress)}/metrics`]),
    `  audit    ${config.audit.sink === "file" ? config.audit.path : "standard output"}`,
    "no authentication is configured, so only this machine is served; try:",
    ...grpcurlLines(config, address).map((line) => `  ${line}`),
    "",
  ].join("\n");
}

function adminUrl(address: string): string {
  return address.startsWith("unix:") ? address : `http://${address}`;
}

/** Three lines that the configured access mode allows. */
export function grpcurlLines({ keyManagement }: Config, address: string): string[] {
  const { accessMode, hostedKeys } = keyManagement;
  const held = hostedKeys?.[0] ?? likelyName;
  const written = hostedKeys?.[0] ?? "MY_KEY";
  const list = grpcurl(address, "list");
  const read = grpcurl(address, "ReadSecret", { name: held });
  const write = grpcurl(address, "WriteSecret", { name: written, text: "my-value" });
  if (accessMode === "read_only") return [list, grpcurl(address, "describe"), read];
  const remove = grpcurl(address, "DeleteSecret", { name: written });
  return accessMode === "write_only" ? [list, write, remove] : [read, write, remove];
}

function grpcurl(address: string, verb: string, request?: Readonly<Record<string, string>>): string {
  const target = address.startsWith("unix:") ? `-unix ${quoted(address.slice("unix:".length))}` : address;
  if (verb === "list") return `grpcurl -plaintext ${target} list`;
  if (verb === "describe") return `grpcurl -plaintext ${target} describe secretbroker.v1.SecretBroker`;
  const data = quoted(JSON.stringify(request));
  return `grpcurl -plaintext -d ${data} ${target} secretbroker.v1.SecretBroker/${verb}`;
}

/** Quotes for a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
