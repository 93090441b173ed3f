/** How many requests are traced, as OpenTelemetry's own variables say. */
export interface Sampling {
  readonly percent: number;
  /** True: a caller's choice counts, where there is one. */
  readonly heedsParent: boolean;
}

const PARENT_BASED = /^parentbased_/;

/** Reads what the SDK's sampler goes by, which does not tell it to those who export. */
export function readSampling(env: Readonly<Record<string, string | undefined>>): Sampling {
  const name = env.OTEL_TRACES_SAMPLER?.trim() ?? "";
  const heedsParent = name === "" || PARENT_BASED.test(name);
  if (name.replace(PARENT_BASED, "") !== "traceidratio") return { percent: 100, heedsParent };
  const given = env.OTEL_TRACES_SAMPLER_ARG?.trim();
  const ratio = given ? Number(given) : 1;
  return { percent: ratio > 0 && ratio <= 1 ? ratio * 100 : 100, heedsParent };
}
