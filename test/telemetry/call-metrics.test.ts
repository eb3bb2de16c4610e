import { describe, expect, it } from "vitest";
import { CallMetrics } from "../../src/telemetry/call-metrics.js";
import { LatencyHistogram, latencyBoundsSeconds } from "../../src/telemetry/latency-histogram.js";

const read = "secretbroker.v1.SecretBroker/ReadSecret";
const write = "secretbroker.v1.SecretBroker/WriteSecret";

describe("CallMetrics", () => {
  it("splits a method's full name", () => {
    expect(new CallMetrics([read]).forMethod(read)).toMatchObject({
      service: "secretbroker.v1.SecretBroker",
      method: "ReadSecret",
    });
  });

  it("counts each method by itself", () => {
    const metrics = new CallMetrics([read, write]);
    metrics.forMethod(read).started();
    metrics.forMethod(read).finished(0, 1);
    metrics.forMethod(read).started();
    metrics.forMethod(read).finished(5, 1);
    expect(metrics.forMethod(read).callsByCode()).toEqual([1, 0, 0, 0, 0, 1, ...new Array<number>(11).fill(0)]);
    expect(metrics.forMethod(write).callsByCode()).toEqual(new Array<number>(17).fill(0));
  });

  it("knows how many calls are running", () => {
    const metrics = new CallMetrics([read]).forMethod(read);
    metrics.started();
    metrics.started();
    expect(metrics.inFlight).toBe(2);
    metrics.finished(0, 1);
    metrics.finished(1, 1);
    expect(metrics.inFlight).toBe(0);
  });

  it("answers with the same counters for a method every time", () => {
    const metrics = new CallMetrics([read]);
    expect(metrics.forMethod(read)).toBe(metrics.forMethod(read));
  });

  it("makes no labels of names it was not given", () => {
    const metrics = new CallMetrics([read]);
    for (let index = 0; index < 100; index += 1) metrics.forMethod(`made.Up/Method${String(index)}`).finished(12, 1);
    expect(metrics.all().map(({ method }) => method)).toEqual(["ReadSecret", "other"]);
    expect(metrics.forMethod("made.Up/Another").callsByCode()[12]).toBe(100);
  });

  it.each([-1, 17, 1.5, Number.NaN])("counts the impossible code %s as UNKNOWN", (code) => {
    const metrics = new CallMetrics([read]).forMethod(read);
    metrics.finished(code, 1);
    expect(metrics.callsByCode()[2]).toBe(1);
  });
});

describe("LatencyHistogram", () => {
  it("puts a bound into its own bucket and what is above into the next", () => {
    const histogram = new LatencyHistogram();
    histogram.observe(0.5);
    histogram.observe(0.500001);
    expect(histogram.cumulativeCounts().slice(0, 3)).toEqual([1, 2, 2]);
  });

  it("counts what is above every bound in the count alone", () => {
    const histogram = new LatencyHistogram();
    histogram.observe(10_001);
    expect(histogram.cumulativeCounts()).toEqual(latencyBoundsSeconds.map(() => 0));
    expect(histogram.count).toBe(1);
  });

  it("sums in seconds", () => {
    const histogram = new LatencyHistogram();
    histogram.observe(250);
    histogram.observe(500);
    expect(histogram.sumSeconds).toBe(0.75);
  });

  it.each([-5, Number.NaN])("takes the impossible duration %s for 0", (durationMs) => {
    const histogram = new LatencyHistogram();
    histogram.observe(durationMs);
    expect(histogram).toMatchObject({ count: 1, sumSeconds: 0 });
    expect(histogram.cumulativeCounts()[0]).toBe(1);
  });
});
