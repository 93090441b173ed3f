export { createPageRoutes, type PageApi } from "./routes.ts";
