// Serves the functions to Inngest, at /api/inngest.
import { createServer } from "node:http";
import { serve } from "inngest/node";
import { greet, inngest, leave } from "./functions.mjs";

const { PORT = "3000" } = process.env;
const handler = serve({ client: inngest, functions: [greet, leave] });
createServer(handler).listen(Number(PORT), "127.0.0.1", () => {
    console.log(`serving http://127.0.0.1:${PORT}/api/inngest`);
});
