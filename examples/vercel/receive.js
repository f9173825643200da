// What both functions share: a table of users, in a database that outlives them. On Vercel, functions keep no files: name a
// database of libSQL there (DATABASE_URL=libsql://…, DATABASE_AUTH_TOKEN=…); a file is for this machine.
import { createHash, timingSafeEqual } from "node:crypto";
import { createClient } from "@libsql/client";

const { DATABASE_URL: url = "file:receiver.db", DATABASE_AUTH_TOKEN: authToken } = process.env;
const database = createClient({ url, authToken });

const schema = [
    `CREATE TABLE IF NOT EXISTS events (
        id TEXT PRIMARY KEY, type TEXT NOT NULL, "offset" TEXT, taken_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)`,
    // A user who was deleted keeps a row without a profile, so that what is older does not bring them back.
    `CREATE TABLE IF NOT EXISTS users (user_id TEXT PRIMARY KEY, email TEXT, profile TEXT, time TEXT NOT NULL)`,
];
let ready;
const noteEvent = `INSERT INTO events (id, type, "offset") VALUES (?, ?, ?) ON CONFLICT DO NOTHING`;
// Times are in UTC with milliseconds, so they compare as text. Nothing is written for an event that was noted before.
const writeUser = `
    INSERT INTO users (user_id, email, profile, time) SELECT ?, ?, ?, ? WHERE changes() > 0
    ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, profile = excluded.profile, time = excluded.time
    WHERE excluded.time >= users.time`;

// Takes an event in, in one transaction and one round trip; says what became of it.
export async function takeIn(event, offset) {
    // Made with the first event; where that fails, the next one tries again.
    await (ready ??= database.batch(schema, "write").catch((error) => {
        ready = undefined;
        throw error;
    }));
    const statements = [{ sql: noteEvent, args: [event.id, event.type, offset] }];
    if (["user.created", "user.updated", "user.deleted"].includes(event.type)) {
        const user = event.data.object;
        const kept = event.type === "user.deleted" ? [null, null] : [user.email ?? null, JSON.stringify(user)];
        statements.push({ sql: writeUser, args: [user.user_id, ...kept, event.time] });
    }
    const [noted, written] = await database.batch(statements, "write");
    if (noted.rowsAffected === 0) return "duplicate";
    if (!written) return "noted";
    return written.rowsAffected === 0 ? "stale" : "taken";
}

const digest = (text) => createHash("sha256").update(text).digest();

export function isTokenRight(authorization) {
    const { RECEIVER_TOKEN: token } = process.env;
    if (!token) throw new Error("set RECEIVER_TOKEN to the bearer token of the stream");
    return timingSafeEqual(digest(authorization ?? ""), digest(`Bearer ${token}`));
}
