import type { EndpointSpec, Shares } from "../types.ts";
import { Serial } from "./serial.ts";
import type { KeptEndpoint, Store } from "./state/store.ts";
import type { FilesPart } from "./types.ts";

/** The state of an endpoint. Each change replaces it as a whole, first on the disk and then in memory. Changes are short and wait for
 *  nothing but each other, so operations that take minutes can make theirs in any order. */
export class Ledger {
  #state: KeptEndpoint;
  #spec: EndpointSpec;
  readonly #files: FilesPart;
  readonly #store: Store;
  readonly #changes: Serial = new Serial();
  /** Called after each change, before anybody else sees the new state. */
  onChange: () => void = () => {};

  constructor(state: KeptEndpoint, files: FilesPart, store: Store) {
    this.#files = files;
    this.#store = store;
    this.#spec = this.#check(state);
    this.#state = state;
  }

  get state(): KeptEndpoint {
    return this.#state;
  }

  /** Of the endpoint's document. */
  get spec(): EndpointSpec {
    return this.#spec;
  }

  /** @param change makes the new state from the one there is then, or throws why it cannot be
   *  @throws what `change` or the disk says; nothing has changed then */
  commit(change: (state: KeptEndpoint) => KeptEndpoint): Promise<void> {
    return this.#changes.run(async () => {
      const next = change(this.#state);
      const spec = this.#check(next);
      await this.#store.save(next);
      this.#state = next;
      this.#spec = spec;
      this.onChange();
    });
  }

  /** Resolves when no change is under way. */
  idle(): Promise<void> {
    return this.#changes.idle();
  }

  #check({ document, deployments }: KeptEndpoint): EndpointSpec {
    const spec = this.#files.endpointSpec(document);
    this.#files.checkTraffic(spec.traffic, spec.mirrorTraffic, Object.keys(deployments), spec.kind);
    return spec;
  }
}

/** The state with other shares. A deployment with a share of 0 is left out (contract EP-13). */
export function withShares(state: KeptEndpoint, key: "traffic" | "mirror_traffic", shares: Shares): KeptEndpoint {
  const given = Object.fromEntries(Object.entries(shares).filter(([, percent]) => percent !== 0));
  return { ...state, document: { ...state.document, [key]: given } };
}
