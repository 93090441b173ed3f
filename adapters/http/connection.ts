// What node:http does not look after by itself: how many requests of one connection are under way, what becomes of them
// when the client leaves, and how a connection ends without the client losing the answer.
import type { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { Exchange, type Owner, type Shared } from "./exchange.ts";
import { usualBytes } from "./incoming.ts";
import { watchPresence } from "./presence.ts";

/** Requests of one connection that are under way at a time. More only wait for their turn: answers leave in order, and
 *  each that is done early is kept in memory. */
export const MAX_UNDER_WAY = 8;

/** No further request of a connection begins while so many bytes of its answers wait for the client to take them. */
export const MAX_WAITING_BYTES = 1_048_576;

/** Requests of one connection that may wait for their turn; then reading stops. So many fit into one read by far, so a
 *  client that sends no more than that is also seen to leave. */
export const MAX_HELD = 1_024;

/** How long what a client goes on sending is read away after the last answer, in milliseconds. A connection that is closed
 *  with bytes unread is reset, and the reset can overtake the answer. */
export const LINGER_MS = 5_000;

export class Connection implements Owner {
  readonly socket: Socket;
  readonly #shared: Shared;
  /** In the order of their answers; the first `#begun` of them are under way. */
  #exchanges: Exchange[] = [];
  #begun = 0;
  /** True: no request is taken any more. */
  #isEnding = false;
  /** True: the client may still be sending when the last answer is out. */
  #lingers = false;
  #isPaused = false;
  #onIdle: (() => void) | undefined;
  #bytesAtLastLook = 0;
  /** Where the next request begins, as far as known. */
  #bytesTaken = 0;

  constructor(socket: Socket, shared: Shared) {
    this.socket = socket;
    this.#shared = shared;
    // For its whole life: node:http takes its own listener away when it hands the socket out (CONNECT).
    socket.on("error", () => {});
    socket.once("end", () => this.#clientEnded());
    socket.once("close", () => this.#closed());
    // What node:http calls when an answer was the connection's last.
    socket.destroySoon = () => {
      if (this.#lingers) this.end(LINGER_MS);
      else Socket.prototype.destroySoon.call(socket);
    };
  }

  /** The exchange that came last, of those that are not over. */
  get last(): Exchange | undefined {
    return this.#exchanges.at(-1);
  }

  get isEnding(): boolean {
    return this.#isEnding || this.socket.writableEnded;
  }

  /** True when what has come since the request before is just as long as this request, written as everybody does: there
   *  are then no blanks in its line that the parser has skipped. Costs less than a look at the line. */
  #isPlain(request: IncomingMessage): boolean {
    const end = this.#bytesTaken + usualBytes(request);
    const { bytesRead } = this.socket;
    this.#bytesTaken = Math.max(end, bytesRead);
    return end === bytesRead;
  }

  /** Begins a request when it is its turn. */
  take(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const exchange = new Exchange(this.#shared, request, response, this.#isPlain(request));
    // Its answer could not be sent any more.
    if (this.isEnding) return;
    exchange.expectsContinue = expectsContinue;
    exchange.owner = this;
    this.#exchanges.push(exchange);
    this.#beginNext();
    if (!this.#isPaused && this.#exchanges.length - this.#begun > MAX_HELD) {
      this.#isPaused = true;
      this.socket.pause();
    }
  }

  /** Calls back when all requests taken so far have their answers, and takes no more. */
  whenIdle(then: () => void): void {
    this.#isEnding = true;
    if (this.#exchanges.length === 0) then();
    else this.#onIdle = then;
  }

  /** The answers that are owed are given; then the connection ends. */
  endAfterAnswers(): void {
    this.#lingers = true;
    const { last } = this;
    if (last === undefined) this.end(LINGER_MS);
    else if (!last.response.headersSent) {
      this.#isEnding = true;
      last.response.shouldKeepAlive = false;
    } else this.whenIdle(() => this.end(LINGER_MS));
  }

  /** The client may be sending still when its answer is out. */
  linger(): void {
    this.#lingers = true;
  }

  /** Ends the connection unless a request is under way, or something has come in since the last call: it may be the
   *  beginning of one. @param ms given to the client to end its half */
  endIfIdle(ms: number): void {
    if (this.#exchanges.length > 0 || this.isEnding) return;
    const { bytesRead } = this.socket;
    if (bytesRead === this.#bytesAtLastLook) this.end(ms);
    this.#bytesAtLastLook = bytesRead;
  }

  /** Sends the end, and closes when the client has ended its half, too. What it sends until then is read away. */
  end(ms: number): void {
    const { socket } = this;
    this.#isEnding = true;
    if (socket.destroyed) return;
    socket.end();
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), ms);
    socket.once("close", () => clearTimeout(timer));
  }

  over(exchange: Exchange): void {
    const index = this.#exchanges.indexOf(exchange);
    if (index < 0) return;
    if (index === 0) this.#exchanges.shift();
    else this.#exchanges.splice(index, 1);
    if (index < this.#begun) this.#begun--;
    if (this.#exchanges.length > 0) this.#beginNext();
    else this.#onIdle?.();
  }

  #beginNext(): void {
    while (this.#begun < this.#exchanges.length && this.#begun < MAX_UNDER_WAY && !this.#isFull()) {
      this.#exchanges[this.#begun++]!.begin();
    }
    if (this.#isPaused && this.#begun === this.#exchanges.length) {
      this.#isPaused = false;
      this.socket.resume();
    }
  }

  #isFull(): boolean {
    if (this.#begun === 0) return false;
    let bytes = 0;
    for (let index = 0; index < this.#begun; index++) bytes += this.#exchanges[index]!.response.writableLength;
    return bytes >= MAX_WAITING_BYTES;
  }

  #clientEnded(): void {
    if (this.#exchanges.length > 0 && !this.socket.writableEnded) watchPresence(this.socket, this.#current);
  }

  readonly #current = (): ServerResponse | undefined => this.#exchanges[0]?.response;

  #closed(): void {
    const exchanges = this.#exchanges;
    this.#exchanges = [];
    this.#begun = 0;
    this.#isEnding = true;
    for (const exchange of exchanges) exchange.leave();
  }
}
