// A function in Vercel's form of web standards. It gets the body as it came, so it can check the signature as well.
import { Webhook } from "standardwebhooks";
import { isTokenRight, takeIn } from "../receive.js";

const { RECEIVER_SECRET } = process.env;
const webhook = RECEIVER_SECRET && new Webhook(RECEIVER_SECRET);

function refusal(request, body) {
    if (!isTokenRight(request.headers.get("authorization"))) return "wrong token";
    try {
        webhook?.verify(body, Object.fromEntries(request.headers));
    } catch (error) {
        return error.message;
    }
}

export async function POST(request) {
    const body = await request.text();
    const refused = refusal(request, body);
    if (refused) {
        console.log(`refused: ${refused}`);
        return new Response(null, { status: 401 });
    }
    const event = JSON.parse(body);
    const became = await takeIn(event, request.headers.get("headwater-offset"));
    console.log(`${event.id} ${event.type}: ${became}`);
    return new Response(null, { status: 204 });
}
