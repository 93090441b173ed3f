export { createPageRoutes, type PageApi, type PageSettings } from "./routes.ts";
