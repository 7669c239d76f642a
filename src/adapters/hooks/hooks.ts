import type { NamedHook } from '../../core/hooks.js'
import type { Entropy } from '../../ports/runtime.js'
import { type HookState, type HookWorkerParts, hookWorker } from './hook-worker.js'

export interface Hooks {
  readonly states: readonly HookState[]
  /** Begins to deliver events. */
  start(): void
  /** Begins no more calls, and waits a moment for those that run. */
  close(): Promise<void>
}

const pollMilliseconds = 1000

/**
 * The hooks of a host. From now on their events wait for them, also while no instance delivers any. Throws if the database
 * cannot be used.
 */
export async function openHooks({
  hooks,
  entropy,
  ...parts
}: Omit<HookWorkerParts<never>, 'hook' | 'holder'> & {
  readonly hooks: readonly NamedHook[]
  readonly entropy: Pick<Entropy, 'uuid'>
}): Promise<Hooks> {
  const holder = entropy.uuid()
  for (const { name } of hooks) await parts.log.begin(name)
  const workers = hooks.map((hook) => hookWorker({ ...parts, hook, holder }))
  let timer: NodeJS.Timeout | undefined
  let closing: Promise<unknown> | undefined

  const turn = () => {
    for (const worker of workers) void worker.turn()
  }

  return {
    states: workers.map(({ state }) => state),
    start() {
      timer ??= setInterval(turn, pollMilliseconds).unref()
      turn()
    },
    async close() {
      clearInterval(timer)
      closing ??= Promise.all(workers.map((worker) => worker.close()))
      await closing
    }
  }
}
