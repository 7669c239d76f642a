import { clearInterval, setImmediate, setInterval } from 'node:timers'
import type { RevocationTerms } from '../core/revocation-set.js'
import { heartbeat, keysEvent, readyEvent, revocationEvent } from './feed-events.js'

// Copies of the real timers, because a test may replace those of its process later.
const [nextTurn, every, stop] = [setImmediate, setInterval, clearInterval]

type Reader = ReadableStreamDefaultController<Uint8Array>

/** A feed of revocations in memory, for any number of readers. */
export function testFeed() {
  const entries: string[] = []
  const readers = new Map<Reader, NodeJS.Timeout>()
  const encoder = new TextEncoder()

  /** Resolves when readers in this process have read the text, which takes them some turns of the event loop and no I/O. */
  async function send(text: string): Promise<void> {
    for (const reader of readers.keys()) reader.enqueue(encoder.encode(text))
    for (let turn = 0; turn < 3; turn += 1) await new Promise<void>((resolve) => nextTurn(resolve))
  }

  function drop(reader: Reader): void {
    stop(readers.get(reader))
    readers.delete(reader)
  }

  return {
    /** The stream of one reader: the entries after `lastEventId`, the keys, and what follows. */
    open(lastEventId: string | null, kids: readonly string[]): ReadableStream<Uint8Array> {
      let reader: Reader
      return new ReadableStream<Uint8Array>({
        start(controller) {
          reader = controller
          const past = entries.slice(Number(lastEventId ?? 0)).join('')
          controller.enqueue(encoder.encode(past + keysEvent(kids) + readyEvent))
          readers.set(controller, every(() => controller.enqueue(encoder.encode(heartbeat)), 1000).unref())
        },
        cancel: () => drop(reader)
      })
    },

    add(entry: RevocationTerms): Promise<void> {
      const event = revocationEvent(entries.length + 1, entry)
      entries.push(event)
      return send(event)
    },

    sendKeys: (kids: readonly string[]) => send(keysEvent(kids)),

    close(): void {
      for (const reader of readers.keys()) {
        drop(reader)
        reader.close()
      }
    }
  }
}
