/** For hosts that send to Application Insights; a build of another one does without all of it. */
export const loadInsights = (): Promise<typeof import("./app-insights.ts")> => import("./app-insights.ts");
