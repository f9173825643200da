// The same in Vercel's form of Node.js. Vercel has parsed the body by then, so the token alone says who sends: use
// webhook.js where requests are to be signed.
import { isTokenRight, takeIn } from "../receive.js";

export default async function handler(req, res) {
    if (req.method !== "POST") return res.status(405).end();
    if (!isTokenRight(req.headers.authorization)) {
        console.log("refused: wrong token");
        return res.status(401).end();
    }
    const event = req.body;
    const became = await takeIn(event, req.headers["headwater-offset"] ?? null);
    console.log(`${event.id} ${event.type}: ${became}`);
    return res.status(204).end();
}
