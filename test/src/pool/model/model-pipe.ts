import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import type { World } from "./world.ts";

/** One direction of a pipe. Bytes lie in it until its reader takes them; the front's ends are read when the world polls. */
export class ModelPipe extends EventEmitter {
  writable = true;
  #isClosed = false;
  #hasEnded = false;
  #bytes: Buffer[] = [];
  readonly #world: World;

  constructor(world: World) {
    super();
    this.#world = world;
    world.pollables.add(this);
  }

  /** What the front needs of a socket. */
  asSocket(): Socket {
    return this as unknown as Socket;
  }

  get size(): number {
    let size = 0;
    for (const { length } of this.#bytes) size += length;
    return size;
  }

  put(bytes: Buffer): void {
    if (bytes.length > 0) this.#bytes.push(bytes);
  }

  take(size: number): Buffer {
    const all = Buffer.concat(this.#bytes);
    this.#bytes = size < all.length ? [all.subarray(size)] : [];
    return all.subarray(0, size);
  }

  /** Its other end has gone; what lies in it can still be read. */
  close(): void {
    this.#isClosed = true;
  }

  get isPending(): boolean {
    return (this.#isClosed && !this.#hasEnded) || (this.#bytes.length > 0 && this.listenerCount("data") > 0);
  }

  poll(): void {
    if (this.#hasEnded) return;
    const { random } = this.#world;
    while (!this.#hasEnded && this.listenerCount("data") > 0 && this.size > 0) {
      const size = this.size;
      this.emit("data", this.take(random.chance(0.7) ? size : 1 + random.below(size)));
    }
    if (this.#isClosed && !this.#hasEnded) this.destroy();
  }

  // The front's calls.

  write(bytes: Uint8Array): void {
    if (!this.#isClosed) this.put(Buffer.from(bytes));
  }

  cork(): void {}

  uncork(): void {}

  resume(): this {
    return this;
  }

  destroy(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.writable = false;
    this.#world.pollables.delete(this);
    this.emit("close");
  }
}
