export function init(): void {}

export function run(data: string): unknown {
  return { n: (JSON.parse(data) as { data: unknown[] }).data.length };
}
