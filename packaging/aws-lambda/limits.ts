/** What AWS Lambda takes. */
export const LAMBDA_LIMITS = {
  /** Memory of a function in MB: the least and the most. */
  memoryMb: [128, 10_240],
  /** The most is 15 minutes. */
  timeoutSeconds: [1, 900],
  /** A zip unpacked, with all layers: 250 MiB. */
  unzippedBytes: 262_144_000,
  /** A container image: 10 GiB. */
  imageBytes: 10_737_418_240,
  /** The body of a request, with all that is around it: 6 MiB. */
  requestBytes: 6_291_456,
} as const;
