import { describeHardCases } from "./hard-cases.ts";

describeHardCases("buffered");
