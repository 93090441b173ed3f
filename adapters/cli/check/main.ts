/** Runs the command in this process.
 *  @param args what follows the word `check`   @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  process.stderr.write(`scorefn check: error: nothing is checked yet: ${args.join(" ")}\n`);
  return 1;
}
