import { AsyncLocalStorage } from 'node:async_hooks'
import type { Log, LogTo } from '../../ports/runtime.js'

const ignore = () => undefined

/** Writes nothing. */
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore }

/**
 * `log`: writes to the log of the request that is being handled, whose lines have the id of the request; to `otherwise`
 * if there is none. `logTo` says which request is being handled.
 */
export function scopedLog(otherwise: Log): { readonly log: Log; readonly logTo: LogTo } {
  const current = new AsyncLocalStorage<Log>()
  const writer = (level: keyof Log) => (fields: object, message: string) =>
    (current.getStore() ?? otherwise)[level](fields, message)
  return {
    log: { debug: writer('debug'), info: writer('info'), warn: writer('warn') },
    logTo: (log, work) => current.run(log, work)
  }
}
