// An order service in Express that passes the request id on in a record header, through kafkajs.
//
//     node examples/express/service.js PORT BOOTSTRAP_SERVERS TOPIC

const express = require("express");
const { Kafka, Partitioners } = require("kafkajs");

const [port, bootstrapServers, topic] = process.argv.slice(2);
const kafka = new Kafka({ brokers: bootstrapServers.split(",") });
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });

const app = express();
app.use(express.json());

app.post("/orders", async (request, response) => {
  const value = JSON.stringify({ type: "order_placed", ...request.body });
  const headers = { "x-request-id": request.get("X-Request-Id") };
  await producer.send({ topic, messages: [{ value, headers }] });
  response.sendStatus(201);
});

producer.connect().then(() => app.listen(Number(port), "127.0.0.1"));
