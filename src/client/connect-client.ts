import { type ChannelOptions, Client, credentials } from "@grpc/grpc-js";
import type { BrokerAddress } from "./broker-address.js";

const maxReceiveBytes = 256 * 1024 * 1024;

/** The options of every connection to a broker. */
const channelOptions: ChannelOptions = {
  // A batch holds up to 1,000 payloads; the server bounds what it sends.
  "grpc.max_receive_message_length": maxReceiveBytes,
  "grpc.enable_channelz": 0,
  // A proxy named in the environment must not see secrets, and could not reach this machine's broker.
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
  // A broker that restarts is back within moments.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 5_000,
  // Two clients of one process stay apart: closing one must not touch the other.
  "grpc.use_local_subchannel_pool": 1,
};

/** Creates gRPC's own client for a broker; it connects with the first call. Must be closed. */
export function connectClient(address: BrokerAddress): Client {
  return new Client(address.target, credentials.createInsecure(), channelOptions);
}
