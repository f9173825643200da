// A receiver of Headwater's webhooks on Express: it checks who sends, takes each event in once, and keeps a table of users.
import { createHash, timingSafeEqual } from "node:crypto";
import express from "express";
import Database from "libsql";
import { Webhook } from "standardwebhooks";

const { PORT = "3000", RECEIVER_TOKEN, RECEIVER_SECRET, RECEIVER_DATABASE = "receiver.db" } = process.env;
if (!RECEIVER_TOKEN && !RECEIVER_SECRET) {
    console.error("set RECEIVER_TOKEN (the stream's bearer token), RECEIVER_SECRET (of its signing), or both");
    process.exit(2);
}

const database = new Database(RECEIVER_DATABASE);
database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS events (
        id TEXT PRIMARY KEY, type TEXT NOT NULL, "offset" TEXT, taken_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
    );
    -- A user who was deleted keeps a row without a profile, so that what is older does not bring them back.
    CREATE TABLE IF NOT EXISTS users (user_id TEXT PRIMARY KEY, email TEXT, profile TEXT, time TEXT NOT NULL);
`);
const noteEvent = database.prepare(`INSERT INTO events (id, type, "offset") VALUES (?, ?, ?) ON CONFLICT DO NOTHING`);
// Times are in UTC with milliseconds, so they compare as text.
const writeUser = database.prepare(`
    INSERT INTO users (user_id, email, profile, time) VALUES (?, ?, ?, ?)
    ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, profile = excluded.profile, time = excluded.time
    WHERE excluded.time >= users.time
`);
const USER_EVENTS = ["user.created", "user.updated", "user.deleted"];

// Takes an event in, in one transaction; says what became of it.
const takeIn = database.transaction((event, offset) => {
    if (noteEvent.run(event.id, event.type, offset).changes === 0) return "duplicate";
    if (!USER_EVENTS.includes(event.type)) return "noted";
    const user = event.data.object;
    const kept = event.type === "user.deleted" ? [null, null] : [user.email ?? null, JSON.stringify(user)];
    return writeUser.run(user.user_id, ...kept, event.time).changes === 0 ? "stale" : "taken";
});

const digest = (text) => createHash("sha256").update(text).digest();
const webhook = RECEIVER_SECRET && new Webhook(RECEIVER_SECRET);

// Why a request is not from the stream, if it is not. The signature is over the body as it came.
function refusal(headers, body) {
    const authorization = digest(headers.authorization ?? "");
    if (RECEIVER_TOKEN && !timingSafeEqual(authorization, digest(`Bearer ${RECEIVER_TOKEN}`))) return "wrong token";
    try {
        webhook?.verify(body, headers);
    } catch (error) {
        return error.message;
    }
}

const app = express();
// An event may have more than the 100 kB that Express takes by itself.
app.post("/webhook", express.raw({ type: "*/*", limit: "2mb" }), (request, response) => {
    const refused = refusal(request.headers, request.body);
    if (refused) {
        console.log(`refused: ${refused}`);
        return response.status(401).end();
    }
    const event = JSON.parse(request.body);
    const became = takeIn(event, request.get("headwater-offset") ?? null);
    console.log(`${event.id} ${event.type}: ${became}`);
    response.status(204).end();
});
app.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${PORT}/webhook`));
