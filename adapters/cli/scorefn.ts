#!/usr/bin/env node
import { main } from "./main.ts";

await main("scorefn", process.argv.slice(2));
