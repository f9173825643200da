// A receiver on Express that keeps what it gets and answers what it is told to.
import { once } from "node:events";
import express from "express";

export class Receiver {
    received = [];
    status = 204;
    #arrived = () => {};

    static async start() {
        const receiver = new Receiver();
        const app = express();
        app.use(express.json());
        app.post("/webhook", (request, response) => {
            const accepted = receiver.status < 300;
            if (accepted) {
                const authorization = request.get("authorization");
                receiver.received.push({ authorization, agent: request.get("user-agent"), event: request.body });
            }
            response.status(receiver.status).end();
            receiver.#arrived();
        });
        receiver.server = app.listen(0, "127.0.0.1");
        await once(receiver.server, "listening");
        return receiver;
    }

    get url() {
        return `http://127.0.0.1:${this.server.address().port}/webhook`;
    }

    // The events accepted so far, when there are at least so many.
    async events(count) {
        const deadline = AbortSignal.timeout(20_000);
        while (this.received.length < count) {
            await new Promise((resolve, reject) => {
                this.#arrived = resolve;
                const late = () => reject(new Error(`got ${this.received.length} of ${count} events`));
                deadline.addEventListener("abort", late);
            });
        }
        return this.received.map(({ event }) => event);
    }

    close() {
        this.server.close();
        this.server.closeAllConnections();
    }
}

// Asks until `check` holds of the answer, for 20 seconds at the most.
export async function until(ask, check) {
    const deadline = Date.now() + 20_000;
    for (;;) {
        const answer = await ask();
        if (check(answer)) return answer;
        if (Date.now() > deadline) throw new Error(`waited in vain; the last answer was ${JSON.stringify(answer)}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}
