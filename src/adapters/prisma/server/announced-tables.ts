import type { Listen } from '../../notices/notices.js'

/** The tables whose changes a trigger announces, by the channel of its notices. */
const announced: Readonly<Record<string, string>> = {
  latchkey_revocation: 'revocation',
  latchkey_signing_key: 'signing_key'
}

/** Runs a query on any connection to the database. */
type Query = (query: {
  readonly text: string
  readonly values: unknown[]
}) => Promise<{ readonly rowCount: number | null }>

/**
 * `listen`, except that connecting rejects while the trigger that sends the notices is missing in `schema`, or disabled.
 * The caller then reads the table at intervals. `LISTEN` alone may succeed on an engine without triggers. Channels of no
 * table in `announced` need no trigger.
 */
export function listenToTriggers(listen: Listen, schema: string, query: Query): Listen {
  return (channel) => {
    const connect = listen(channel)
    const table = announced[channel]
    if (table === undefined) return connect
    return async (handlers) => {
      const values = [schema, table, `${table}_notify`]
      if ((await query({ text: enabledTrigger, values })).rowCount === 0) {
        throw new Error(`No trigger sends notices to ${channel}.`)
      }
      return connect(handlers)
    }
  }
}

const enabledTrigger = `
  SELECT 1 FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = $1 AND c.relname = $2 AND t.tgname = $3 AND t.tgenabled <> 'D'`
