#!/usr/bin/env node
import { main } from "./main.ts";

await main("azmlinfsrv", process.argv.slice(2));
