/** Decides when an answer leaves: calls `deliver` now or soon. One per request, made when the request is handed on. */
export type Departure = (deliver: () => void) => void;

/** For hosts that hand over one request at a time. */
export function atOnce(): Departure {
  return (deliver) => deliver();
}

/** Lets the answers of one turn of the event loop leave in a row: a client that is woken for each of them costs the server
 *  more than the request. */
export function createOutbox(): () => Departure {
  let underWay = 0;
  let turn = 0;
  let turnEnds = false;
  let waiting: (() => void)[] = [];

  function endTurn(): void {
    turn++;
    turnEnds = false;
  }

  function deliverAll(): void {
    const ready = waiting;
    waiting = [];
    underWay -= ready.length;
    for (const deliver of ready) deliver();
  }

  return () => {
    underWay++;
    const begun = turn;
    if (!turnEnds) {
      turnEnds = true;
      setImmediate(endTurn);
    }
    return (deliver) => {
      // Alone, and after a wait, an answer need not wait for what else this turn may bring.
      if (underWay === 1 && begun !== turn) {
        underWay = 0;
        deliver();
        return;
      }
      if (waiting.length === 0) setImmediate(deliverAll);
      waiting.push(deliver);
    };
  };
}
