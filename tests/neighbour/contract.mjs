// What the official JavaScript SDK asks of a sidecar, one line for each check: "ok name" or "not ok name: detail".
// Waits for the sidecar to take it up, checks, and ends with 0 when all is well.
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  AbstractActor, ActorId, ActorProxyBuilder, CommunicationProtocolEnum, DaprClient, DaprPubSubStatusEnum, DaprServer, HttpMethod, LogLevel,
  StateConcurrencyEnum, StateConsistencyEnum,
} from "@dapr/dapr";

const { APP_ID: appId, APP_PORT: serverPort, DAPR_HTTP_PORT: httpPort, DAPR_GRPC_PORT: grpcPort, TOPIC_SUFFIX: suffix = "" } = process.env;
// A broker that outlives a run still has its topics.
const topicOf = (name) => name + suffix;
const quiet = { level: LogLevel.Error };
const at = (daprPort, communicationProtocol) => ({ daprHost: "127.0.0.1", daprPort, communicationProtocol, logger: quiet });
const { HTTP, GRPC } = CommunicationProtocolEnum;
const server = new DaprServer({ serverHost: "127.0.0.1", serverPort, communicationProtocol: HTTP, clientOptions: at(httpPort, HTTP), logger: quiet });
// The SDK tells of what it is asked to refuse; only the checks speak here.
console.error = () => {};

class Counter extends AbstractActor {
  async add(by) {
    const [known, total] = await this.getStateManager().tryGetState("total");
    await this.getStateManager().setState("total", (known ? total : 0) + by);
    return (known ? total : 0) + by;
  }
}

const heard = {};
const hear = (name, answer) => async (data) => {
  (heard[name] ??= []).push(data);
  return answer?.(heard[name].length);
};
const { SUCCESS, RETRY, DROP } = DaprPubSubStatusEnum;
for (const topic of ["texts", "objects", "events", "many"]) {
  await server.pubsub.subscribe("pubsub", topicOf(topic), hear(topic));
}

await server.pubsub.subscribe("pubsub", topicOf("raw"), hear("raw"), "", { rawPayload: true });
await server.pubsub.subscribeWithOptions("pubsub", topicOf("routed"), {
  route: { default: "/rest", rules: [{ match: `event.type == "Parcel"`, path: "/parcel" }, { match: `event.data.weight > 10`, path: "/heavy" }] },
});
for (const route of ["rest", "parcel", "heavy"]) {
  server.pubsub.subscribeToRoute("pubsub", topicOf("routed"), `/${route}`, hear(route));
}

await server.pubsub.subscribeWithOptions("pubsub", topicOf("taken"), { callback: hear("taken", () => SUCCESS), deadLetterTopic: topicOf("dead") });
await server.pubsub.subscribe("pubsub", topicOf("again"), hear("again", (times) => (times < 3 ? RETRY : SUCCESS)));
await server.pubsub.subscribeWithOptions("pubsub", topicOf("dropped"), { callback: hear("dropped", () => DROP), deadLetterTopic: topicOf("dead") });
await server.pubsub.subscribe("pubsub", topicOf("dead"), hear("dead"));
await server.invoker.listen("asked", async ({ query }) => ({ query }), { method: HttpMethod.GET });
await server.invoker.listen("told", async ({ body, headers }) => ({ body: JSON.parse(body), by: headers["x-by"] }), { method: HttpMethod.POST });
await server.actor.init();
await server.actor.registerActor(Counter);
await server.start();
console.log("listening");
// Whoever started this connects the sidecar, and then says so.
await once(process.stdin, "data");
process.stdin.destroy();

let failed = 0;
async function check(name, body) {
  try {
    await body();
    console.log(`ok ${name}`);
  } catch (e) {
    failed++;
    console.log(`not ok ${name}: ${`${e.message ?? JSON.stringify(e)}`.replaceAll(/\s+/g, " ")}`);
  }
}

async function until(condition) {
  for (const end = Date.now() + 10_000; !condition() && Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits for exactly these, kept for further looks. */
async function comes(name, ...expected) {
  await until(() => (heard[name]?.length ?? 0) >= expected.length);
  assert.deepEqual(heard[name], expected);
}

/** Waits for so many, and takes them. */
async function arrived(name, count = 1) {
  await until(() => (heard[name]?.length ?? 0) >= count);
  const messages = heard[name] ?? [];
  heard[name] = [];
  return messages;
}

async function refused(call, ...parts) {
  const said = await Promise.resolve(call).then((result) => result?.error, (e) => e.error ?? e);
  assert.ok(said, "it was not refused");
  parts.forEach((part) => assert.match(`${said.message ?? said}`, part));
}

async function saved(call) {
  const { error } = await call;
  assert.equal(error, undefined);
}

const firstWrite = { concurrency: StateConcurrencyEnum.CONCURRENCY_FIRST_WRITE, consistency: StateConsistencyEnum.CONSISTENCY_STRONG };
const http = new DaprClient(at(httpPort, HTTP));
const grpc = new DaprClient(at(grpcPort, GRPC));
const parcel = { name: "자전거", weight: 12, tags: ["a", null], big: 9007199254740991 };

for (const [over, client] of [["http", http], ["grpc", grpc]]) {
  const key = (name) => `${over}-${name}`;
  const etagOf = async (name) => (await client.state.getBulk("statestore", [key(name)]))[0].etag;

  await check(`${over} state: what is saved is read back`, async () => {
    await saved(client.state.save("statestore", [{ key: key("a"), value: parcel }, { key: key("b"), value: "text" }]));
    assert.deepEqual(await client.state.get("statestore", key("a")), parcel);
    assert.equal(await client.state.get("statestore", key("b")), "text");
  });
  await check(`${over} state: a key that is not there is empty`, async () => assert.equal(await client.state.get("statestore", key("nothing")), ""));
  await check(`${over} state: many are read at once, with their etags`, async () => {
    const items = await client.state.getBulk("statestore", [key("a"), key("b"), key("nothing")]);
    const found = Object.fromEntries(items.map((item) => [item.key, item]));
    assert.deepEqual(found[key("a")].data, parcel);
    assert.equal(found[key("b")].data, "text");
    assert.equal(found[key("a")].etag, "1");
    assert.ok(!found[key("nothing")].data);
  });
  await check(`${over} state: a save with the right etag goes through, one with an old etag does not`, async () => {
    const etag = await etagOf("a");
    await saved(client.state.save("statestore", [{ key: key("a"), value: 2, etag, options: firstWrite }]));
    await refused(client.state.save("statestore", [{ key: key("a"), value: 3, etag, options: firstWrite }]));
    assert.equal(await client.state.get("statestore", key("a")), 2);
  });
  await check(`${over} state: what is written first-write needs its etag from then on`, async () => {
    await saved(client.state.save("statestore", [{ key: key("first"), value: 1, options: firstWrite }]));
    await refused(client.state.save("statestore", [{ key: key("first"), value: 2, options: firstWrite }]));
    assert.equal(await client.state.get("statestore", key("first")), 1);
  });
  await check(`${over} state: a delete with an old etag is refused, without one it is done`, async () => {
    await refused(client.state.delete("statestore", key("a"), { etag: "99", ...firstWrite }));
    await saved(client.state.delete("statestore", key("a")));
    assert.equal(await client.state.get("statestore", key("a")), "");
    await saved(client.state.delete("statestore", key("a")));
  });
  await check(`${over} state: a transaction writes and deletes together`, async () => {
    await saved(client.state.save("statestore", [{ key: key("old"), value: "x" }]));
    await client.state.transaction("statestore", [
      { operation: "upsert", request: { key: key("new"), value: "made" } },
      { operation: "delete", request: { key: key("old") } },
    ]);
    assert.equal(await client.state.get("statestore", key("new")), "made");
    assert.equal(await client.state.get("statestore", key("old")), "");
  });
  await check(`${over} state: a store nobody knows is refused by name`, () => refused(client.state.get("nostore", "a"), /nostore/));
  await check(`${over} publish: a text arrives as text`, async () => {
    await saved(client.pubsub.publish("pubsub", topicOf("texts"), `text over ${over}`));
    assert.deepEqual(await arrived("texts"), [`text over ${over}`]);
  });
  await check(`${over} publish: an object arrives as it was`, async () => {
    await saved(client.pubsub.publish("pubsub", topicOf("objects"), parcel));
    assert.deepEqual(await arrived("objects"), [parcel]);
  });
  await check(`${over} publish: a CloudEvent arrives as its data`, async () => {
    await saved(client.pubsub.publish("pubsub", topicOf("events"), { specversion: "1.0", type: "t", source: "contract", id: over, data: { n: 1 } }));
    assert.deepEqual(await arrived("events"), [{ n: 1 }]);
  });
  await check(`${over} publish: raw bytes arrive without an envelope of the sender`, async () => {
    await saved(client.pubsub.publish("pubsub", topicOf("raw"), { plain: over }, { metadata: { rawPayload: "true" } }));
    assert.deepEqual(await arrived("raw"), [{ plain: over }]);
  });
  await check(`${over} publish: many at once all arrive`, async () => {
    const { failedMessages } = await client.pubsub.publishBulk("pubsub", topicOf("many"), [{ n: 1 }, { n: 2 }, { n: 3 }]);
    assert.deepEqual(failedMessages, []);
    assert.deepEqual((await arrived("many", 3)).map((m) => m.n).sort(), [1, 2, 3]);
  });
  await check(`${over} publish: many to a pubsub nobody knows all fail`, async () => {
    const { failedMessages } = await client.pubsub.publishBulk("nopubsub", "many", [{ n: 1 }, { n: 2 }]);
    assert.deepEqual(failedMessages.map(({ message }) => message.event.n), [1, 2]);
  });
  await check(`${over} publish: a pubsub nobody knows is refused by name`, () => refused(client.pubsub.publish("nopubsub", "t", "x"), /nopubsub/));
  await check(`${over} invoke: GET with a query`, async () =>
    assert.deepEqual(await client.invoker.invoke(appId, over === "http" ? "asked?q=1%2B1" : "asked", HttpMethod.GET), { query: over === "http" ? "/asked?q=1%2B1" : "/asked" }));
  await check(`${over} invoke: POST with a body`, async () =>
    assert.deepEqual((await client.invoker.invoke(appId, "told", HttpMethod.POST, parcel)).body, parcel));
  await check(`${over} invoke: an app nobody knows is refused`, () => refused(client.invoker.invoke("nobody", "x", HttpMethod.GET), /nobody/));
  await check(`${over} secrets: one, and all`, async () => {
    assert.deepEqual(await client.secret.get("secretstore", "CONTRACT_SECRET"), { CONTRACT_SECRET: "whisper" });
    assert.deepEqual((await client.secret.getBulk("secretstore")).CONTRACT_SECRET, { CONTRACT_SECRET: "whisper" });
  });
  await check(`${over} metadata: says who it is and keeps what it is told`, async () => {
    assert.equal(await client.metadata.set(key("said"), "hello"), true);
    const metadata = await client.metadata.get();
    assert.equal(metadata.id, appId);
    assert.ok(metadata.components.some((c) => c.name === "statestore" && c.type === "state.redis"));
    assert.equal(metadata.extended[key("said")], "hello");
  });
  await check(`${over} health: well`, async () => assert.equal(await client.health.isHealthy(), true));
}

await check("http invoke: headers go along", async () =>
  assert.equal((await http.invoker.invoke(appId, "told", HttpMethod.POST, {}, { headers: { "x-by": "kim" } })).by, "kim"));
await check("subscription: the first rule that matches decides, and the default takes the rest", async () => {
  await http.pubsub.publish("pubsub", topicOf("routed"), { weight: 50 }, { metadata: { "cloudevent.type": "Parcel" } });
  await http.pubsub.publish("pubsub", topicOf("routed"), { weight: 11 });
  await http.pubsub.publish("pubsub", topicOf("routed"), { weight: 10 });
  await comes("parcel", { weight: 50 });
  await comes("heavy", { weight: 11 });
  await comes("rest", { weight: 10 });
});
await check("subscription: SUCCESS takes the message", async () => {
  await http.pubsub.publish("pubsub", topicOf("taken"), { n: 1 });
  await comes("taken", { n: 1 });
});
await check("subscription: RETRY asks for it again", async () => {
  await http.pubsub.publish("pubsub", topicOf("again"), { n: 2 });
  await comes("again", { n: 2 }, { n: 2 }, { n: 2 });
});
await check("subscription: DROP gives it to the dead letters", async () => {
  await http.pubsub.publish("pubsub", topicOf("dropped"), { n: 3 });
  await comes("dropped", { n: 3 });
  await comes("dead", { n: 3 });
});
await check("subscription: what was taken or asked for again is no dead letter", async () => {
  await comes("taken", { n: 1 });
  await comes("dead", { n: 3 });
});
await check("actor: invoked through the SDK, it keeps its state", async () => {
  const counter = new ActorProxyBuilder(Counter, http).build(new ActorId("one"));
  assert.equal(await counter.add(2), 2);
  assert.equal(await counter.add(3), 5);
  assert.equal(await new ActorProxyBuilder(Counter, http).build(new ActorId("two")).add(1), 1);
});

console.log(failed === 0 ? "all is well" : `${failed} went wrong`);
await server.stop();
process.exit(failed === 0 ? 0 : 1);
