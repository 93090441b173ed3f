// A function app as people write one by hand.
import { app } from "@azure/functions";

export function register() {
  app.http("handWritten", {
    route: "hand-written",
    methods: ["POST"],
    authLevel: "anonymous",
    async handler(request, context) {
      try {
        const { data } = await request.json();
        context.log(`${request.method} ${request.url}`);
        return { jsonBody: { n: data.length } };
      } catch (error) {
        context.error(error);
        return { status: 500, jsonBody: { message: "failed" } };
      }
    },
  });
}
