import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Http2Session, Http2Stream } from "node:http2";
import { types } from "node:util";
import { setFlagsFromString } from "node:v8";
import { StreamTable } from "./stream-table.js";

/** Where node:http2 tells of every stream that a client opens, with the first of each session the session itself. */
const streamChannel = "http2.server.stream.created";

/**
 * Makes V8's young collections free what belonged to a call once it is over, which is nearly all that a broker
 * allocates. By themselves a third of all calls outlive them, each with its stream, its messages and whatever these
 * point to, and copying that and collecting it later takes an eighth of the CPU time of a read. For the whole process,
 * so it is for whoever owns that. Idempotent.
 */
export function keepCallsYoung(): void {
  // What was allocated as old right away, because it lived long while the process started, keeps young objects alive.
  setFlagsFromString("--no-allocation-site-pretenuring");
  unsubscribe(streamChannel, onStream);
  subscribe(streamChannel, onStream);
}

/** What node:http2 keeps of a session; nothing that it documents, so that anything may be different one day. */
interface SessionState {
  readonly streams?: unknown;
}

function onStream(message: unknown): void {
  const { session } = (message as { readonly stream: Http2Stream }).stream;
  if (session !== undefined && !tabled.has(session)) replaceTable(session);
}

/** Those that were looked at. */
const tabled = new WeakSet<Http2Session>();

/** A session whose state is not what is expected stays as it is: it then costs what it costs anybody. */
function replaceTable(session: Http2Session): void {
  tabled.add(session);
  const key = Object.getOwnPropertySymbols(session).find(({ description }) => description === "state");
  const state = key && ((session as unknown as Record<symbol, unknown>)[key] as SessionState | undefined);
  if (state === undefined || !types.isMap(state.streams)) return;
  const table = new StreamTable<Http2Stream>();
  Map.prototype.forEach.call(state.streams, (stream: Http2Stream, id: number) => table.set(id, stream));
  // One that must not be replaced is no reason to fail.
  Reflect.set(state, "streams", table);
}
