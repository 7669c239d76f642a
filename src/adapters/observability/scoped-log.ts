import { AsyncLocalStorage } from 'node:async_hooks'
import type { Log, LogTo } from '../../ports/runtime.js'

/**
 * `log`: writes to the log of the request that is being handled, whose lines have the id of the request; to `otherwise`
 * if there is none. `logTo` says which request is being handled. `ownLog`: always writes to `otherwise`. It is for what
 * is about the instance: the log of a request may drop lines, and that of a probe drops all below `warn`.
 */
export function scopedLog(otherwise: Log | undefined): {
  readonly log: Log
  readonly ownLog: Log
  readonly logTo: LogTo
} {
  const current = new AsyncLocalStorage<Log>()
  const writingTo = (target: () => Log | undefined): Log => {
    const writer = (level: keyof Log) => (fields: object, message: string) => target()?.[level](fields, message)
    return { debug: writer('debug'), info: writer('info'), warn: writer('warn') }
  }
  return {
    log: writingTo(() => current.getStore() ?? otherwise),
    ownLog: writingTo(() => otherwise),
    logTo: (log, work) => current.run(log, work)
  }
}
