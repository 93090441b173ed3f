let greeting: string;

export function init(): void {
  greeting = "Hello";
}

export function run(data: string): { message: string } {
  const { name = "world" } = JSON.parse(data) as { name?: string };
  return { message: `${greeting}, ${name}!` };
}
