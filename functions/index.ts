// `main` of the function app that the package's own folder is.
import { createRuntime } from "../src/host.ts";
import { register } from "./register.ts";

register({ createRuntime });
