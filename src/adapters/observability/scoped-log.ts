import { AsyncLocalStorage } from 'node:async_hooks'
import type { Log, LogTo } from '../../ports/runtime.js'

const ignore = () => undefined

/** Writes nothing. */
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore }

/** One for all services of the process: each storage that was ever used makes every promise of the process slower. */
const current = new AsyncLocalStorage<{ readonly service: object; readonly log: Log }>()

/**
 * `log`: writes to the log of the request that is being handled, whose lines have the id of the request; to `otherwise`
 * if there is none. `logTo` says which request is being handled.
 */
export function scopedLog(otherwise: Log): { readonly log: Log; readonly logTo: LogTo } {
  const service = {}
  const writer = (level: keyof Log) => (fields: object, message: string) => {
    const request = current.getStore()
    const log = request?.service === service ? request.log : otherwise
    log[level](fields, message)
  }
  return {
    log: { debug: writer('debug'), info: writer('info'), warn: writer('warn') },
    logTo: (log, work) => current.run({ service, log }, work)
  }
}
