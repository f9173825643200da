// What Inngest runs for events of Headwater.
import { Inngest } from "inngest";

export const inngest = new Inngest({ id: "crm" });

// In the product, these are calls of your mailer and of your CRM.
const welcome = async (email) => console.log(`welcome ${email}`);
const forget = async (userId) => console.log(`forget ${userId}`);

// Each step is tried again by itself, and a step that has succeeded is not repeated.
export const greet = inngest.createFunction(
    { id: "greet-new-user", retries: 3, triggers: [{ event: "headwater/user.created" }] },
    async ({ event, step }) => {
        const { user_id, email } = event.data.object;
        await step.run("welcome", () => welcome(email));
        return { greeted: user_id };
    },
);

export const leave = inngest.createFunction(
    { id: "forget-user", triggers: [{ event: "headwater/user.deleted" }] },
    async ({ event, step }) => {
        await step.run("forget", () => forget(event.data.object.user_id));
    },
);
