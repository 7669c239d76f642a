import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

export interface StreamsToOpen {
  readonly port: number
  /** The route of the streams. */
  readonly path: string
  /** The access token of each stream. */
  readonly tokens: readonly string[]
}

/** Descriptors that a process needs beside those of its connections. */
const otherDescriptors = 500

/** How many connections a process may hold open, up to `wanted` (`ulimit -n`; Node raises it to its hard limit). */
export function possibleConnections(wanted: number): number {
  const report = process.report.getReport() as unknown as { userLimits: { open_files: { soft: number | 'unlimited' } } }
  const { soft } = report.userLimits.open_files
  return soft === 'unlimited' ? wanted : Math.min(wanted, soft - otherDescriptors)
}

/**
 * Opens a stream for each token, in another process. Resolves when all are open. `ended` resolves when
 * the server has ended all of them.
 */
export async function openStreams(t: Pick<Test, 'teardown'>, streams: StreamsToOpen) {
  const child = fork(fileURLToPath(new URL('many-streams.js', import.meta.url)))
  const closed = once(child, 'close')
  /** Ends all streams from this side. */
  const close = async () => {
    child.kill('SIGKILL')
    await closed
  }
  t.teardown(close)
  const next = (expected: string) =>
    Promise.race([
      once(child, 'message').then(([message]) => {
        if (message !== expected) throw new Error(`The clients said "${message}".`)
      }),
      closed.then(([code]) => {
        throw new Error(`The clients ended with code ${code} before they said "${expected}".`)
      })
    ])
  child.send(streams)
  await next('open')
  const ended = next('ended')
  ended.catch(() => undefined)
  return { ended, close }
}
