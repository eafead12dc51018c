// A neighbour of the town: hears of reservations, looks each one up, and remembers what it has seen of it.
// It knows Dapr's API through the official SDK, and nothing of how the town is made.
import { CommunicationProtocolEnum, DaprPubSubStatusEnum, DaprServer, HttpMethod, LogLevel } from "@dapr/dapr";

const server = new DaprServer({
  serverHost: "127.0.0.1",
  serverPort: process.env.APP_PORT,
  communicationProtocol: CommunicationProtocolEnum.HTTP,
  clientOptions: { daprHost: "127.0.0.1", daprPort: process.env.DAPR_HTTP_PORT, logger: { level: LogLevel.Warn } },
  logger: { level: LogLevel.Warn },
});
const { client } = server;

async function hear(event) {
  const key = `reserve-${event.id}`;
  const before = (await client.state.get("statestore", key)) || { id: event.id, heard: [] };
  if (before.heard.includes(event.eventType)) {
    return;
  }

  const found = await client.invoker.invoke("reservation", `reserves/${event.id}`, HttpMethod.GET);
  const seen = { ...before, heard: [...before.heard, event.eventType], productid: found.productid, userid: found.userid, status: found.status };
  const { error } = await client.state.save("statestore", [{ key, value: seen }]);
  if (error) {
    throw error;
  }
}

// The SDK takes an event whose handler throws for done; saying so is up to the handler.
async function hearOrAskAgain(event) {
  try {
    await hear(event);
    return DaprPubSubStatusEnum.SUCCESS;
  } catch (e) {
    console.error(`asks for ${event?.id} again: ${e.message}`);
    return DaprPubSubStatusEnum.RETRY;
  }
}

await server.pubsub.subscribeWithOptions("pubsub", "reservations", { callback: hearOrAskAgain, deadLetterTopic: "neighbour-dead" });
// The run file has the health of every app asked for here.
server.daprServer.getServer().get("/alive", (request, response) => response.send());

server.daprServer.getServer().get("/seen/:id", async (request, response, next) => {
  try {
    const seen = await client.state.get("statestore", `reserve-${request.params.id}`);
    response.status(seen ? 200 : 404).json(seen || { id: request.params.id });
  } catch (e) {
    next(e);
  }
});

// Ctrl-C reaches every process of a terminal; the runner asks each app to end in its turn.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => server.stop().finally(() => process.exit(0)));
await server.start();
console.log(`the neighbour is at home on port ${process.env.APP_PORT}`);
