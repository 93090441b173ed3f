/** Runs the command in this process.
 *  @param args what follows the word `init`   @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  process.stderr.write(`scorefn init: error: nothing is made yet: ${args.join(" ")}\n`);
  return 1;
}
