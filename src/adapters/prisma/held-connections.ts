import pg from 'pg'

/** Connections on which the server has not answered yet, although nobody waits for the answer any more. */
export interface HeldConnections {
  readonly size: number
  add(client: pg.Client): void
  /** The server has answered. */
  delete(client: pg.Client): void
  closeAll(): void
}

const checkMilliseconds = 1000
const answerMilliseconds = 2000

/** A pooler knows a connection by another number than the server, so this counts, and does not name, the busy ones. */
const countBusy = `
  SELECT count(*)::int AS busy FROM pg_stat_activity
  WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()
    AND state <> 'idle' AND query_start < clock_timestamp() - interval '1 second'`

/**
 * While connections are held, asks the server once a second how many statements of this role it works on, and closes held
 * connections above that number: the network has lost them, or another server has taken over. If it does not answer,
 * they stay held: a new connection could do nothing then.
 */
export function heldConnections(connection: pg.ClientConfig): HeldConnections {
  const held = new Set<pg.Client>()
  let timer: NodeJS.Timeout | undefined

  async function check(): Promise<void> {
    const busy = await busyConnections(connection).catch(() => held.size)
    close(held.size - busy)
    timer = undefined
    if (held.size > 0) checkSoon()
  }

  function checkSoon(): void {
    if (timer === undefined) timer = setTimeout(check, checkMilliseconds).unref()
  }

  /** Closes `count` connections, those first that have been held for longest. */
  function close(count: number): void {
    for (const client of [...held].slice(0, Math.max(0, count))) void client.end()
  }

  return {
    get size() {
      return held.size
    },
    add(client) {
      held.add(client)
      checkSoon()
    },
    delete: (client) => void held.delete(client),
    closeAll: () => close(held.size)
  }
}

async function busyConnections(connection: pg.ClientConfig): Promise<number> {
  const client = new pg.Client({
    ...connection,
    connectionTimeoutMillis: answerMilliseconds,
    query_timeout: answerMilliseconds
  })
  // What breaks the connection is the query's error. Without a listener, an `error` event would crash the process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ readonly busy: number }>(countBusy)
    return rows[0]?.busy ?? 0
  } finally {
    void client.end()
  }
}
