// A stand-in for Inngest on this machine: it plays the event API, and calls the functions step by step as Inngest does.
// Inngest's own development server (npx inngest-cli dev) does the same and much more; this one needs no download.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";

const { PORT = "8288", INNGEST_EVENT_KEY = "local" } = process.env;
const functions = new Map();
const seen = new Set();

async function read(request) {
    const parts = [];
    for await (const part of request) parts.push(part);
    return JSON.parse(Buffer.concat(parts));
}

// The body of POST /e/KEY: an event, or a list of them. The name and the data are what Inngest insists on.
function eventsOf(body) {
    const events = [body].flat();
    for (const { name, data } of events) {
        if (typeof name !== "string" || !name) throw new Error("event name is empty");
        if (data !== undefined && (typeof data !== "object" || data === null)) throw new Error("data is no object");
    }
    return events.map((event) => ({ ts: Date.now(), data: {}, ...event, id: event.id ?? randomUUID() }));
}

// Calls a function until it has no further step. What a step has answered goes along in the next call.
async function run({ id, steps: { step } }, event) {
    const steps = {};
    const ctx = { fn_id: id, run_id: randomUUID(), attempt: 0, disable_immediate_execution: false, use_api: false };
    for (;;) {
        const stack = { stack: Object.keys(steps), current: Object.keys(steps).length };
        const answer = await fetch(step.runtime.url, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ version: 2, event, events: [event], steps, ctx: { ...ctx, stack } }),
        });
        if (answer.status === 200) return "completed";
        if (answer.status !== 206) return `failed with ${answer.status}`;
        for (const { id, op, data } of await answer.json()) {
            if (op === "RunComplete") return "completed";
            if (op !== "StepRun") return `failed: ${op} is not played here`;
            steps[id] = { type: "data", data };
        }
    }
}

// An event that was seen before is taken, and runs nothing.
async function take(event) {
    if (seen.has(event.id)) return console.log(`${event.id} ${event.name}: duplicate`);
    seen.add(event.id);
    const wanted = (each) => each.triggers.some((trigger) => trigger.event === event.name);
    for (const each of [...functions.values()].filter(wanted)) {
        console.log(`${event.id} ${event.name}: ${each.id} ${await run(each, event)}`);
    }
}

async function answerTo(request) {
    if (request.method === "POST" && request.url === "/fn/register") {
        for (const each of (await read(request)).functions) functions.set(each.id, each);
        return [200, { ok: true, modified: true }];
    }
    const [, key] = /^\/e\/([^/?]+)$/.exec(request.url) ?? [];
    if (request.method !== "POST" || !key) return [404, { error: "not played here" }];
    if (key !== INNGEST_EVENT_KEY) return [401, { error: "Event key not found", status: 401 }];
    const events = eventsOf(await read(request));
    for (const event of events) take(event).catch((error) => console.log(`${event.id}: ${error.message}`));
    return [200, { ids: events.map(({ id }) => id), status: 200 }];
}

const server = createServer(async (request, response) => {
    const [status, body] = await answerTo(request).catch((error) => [400, { error: error.message, status: 400 }]);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
});
server.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${PORT}/e/KEY`));
