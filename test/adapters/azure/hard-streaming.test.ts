import { describeHardCases } from "./hard-cases.ts";

describeHardCases("streaming");
