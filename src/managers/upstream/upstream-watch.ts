import type { WatchEvent as ClientEvent } from "../../client/watch/watch-events.js";
import type { ManagerCall } from "../../contract/manager-call.js";
import type { WatchEvent } from "../../contract/secret-manager.js";
import type { UpstreamLink } from "./upstream-link.js";

/**
 * What a central broker tells of everything this one may watch there. The payloads that come with it are dropped: whoever
 * reads afterwards is decided on and recorded as for any other read.
 */
export async function* watchUpstream(
  link: UpstreamLink,
  afterRevision: bigint | undefined,
  call: ManagerCall,
): AsyncGenerator<WatchEvent, void, undefined> {
  const watch = link.watch(call);
  watch.subscribe({ prefixes: [""], resumeRevision: afterRevision ?? 0n });
  try {
    for await (const event of watch) yield* eventsOf(event, afterRevision !== undefined);
  } catch (thrown) {
    if (!call.signal.aborted) throw link.failureOf(thrown);
  }
}

/** The contract's words for what was told. @param wantsPast whether what is there already was asked for; whoever begins now has not asked for it */
function eventsOf(event: ClientEvent, wantsPast: boolean): readonly WatchEvent[] {
  switch (event.kind) {
    case "initial":
      return wantsPast ? event.secrets.map(({ name }) => ({ kind: "changed", secret: { name }, revision: 0n })) : [];
    case "change":
      return [{ kind: "changed", secret: { name: event.secret.name }, revision: event.revision }];
    case "removal":
      return [{ kind: "removed", secret: { name: event.name }, revision: event.revision }];
    case "synced":
      return [{ kind: "synced", revision: event.revision }];
    case "heartbeat":
      return [];
  }
}
