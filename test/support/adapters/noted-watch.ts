import type { ServerWatch } from '../../../src/ports/metrics.js'

/** A watch of a server that keeps what it was told, without repetitions, and how many operations it has timed. */
export function notedWatch() {
  const changes: ('served' | 'failed')[] = []
  const note = (change: 'served' | 'failed') => () => {
    if (changes.at(-1) !== change) changes.push(change)
  }
  const timed = { operations: 0 }
  const watch: ServerWatch = {
    time(operation) {
      timed.operations += 1
      return operation()
    },
    served: note('served'),
    failed: note('failed')
  }
  return { watch, changes, timed }
}
