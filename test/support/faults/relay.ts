import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

/** A TCP relay to a server that can be cut, lose answers and be slow. */
export interface Relay {
  readonly url: string
  /** The next message with this text still reaches the server; then the connection breaks, and the answer is lost. */
  loseAnswerTo(text: string): void
  /** Breaks every connection, and refuses new ones until `restore`. */
  cut(): void
  restore(): void
  /** New connections go to `url` from now on, as when a name moves to another server. Open ones stay. */
  pointTo(url: string): void
  /** Loses the open connections as a network does: they stay open, and nothing arrives on them any more. */
  silence(): void
  /** Delays everything that the server sends from now on. */
  delayAnswers(milliseconds: number): void
  /** How many answers were lost. */
  readonly lost: number
}

export async function startRelay(t: Pick<Test, 'teardown'>, target: string): Promise<Relay> {
  let to = new URL(target)
  const sockets = new Set<Socket>()
  const silent = new WeakSet<Socket>()
  let marked: string | undefined
  let delay = 0
  let isCut = false
  let lost = 0

  const server = createServer((client) => {
    if (isCut) return client.destroy()
    const onward = connect(Number(to.port || 5432), to.hostname)
    const cut = () => {
      client.destroy()
      onward.destroy()
    }
    for (const socket of [client, onward]) {
      sockets.add(socket)
      socket.on('error', cut)
      socket.on('close', () => {
        cut()
        sockets.delete(socket)
      })
    }
    let losing = false
    client.on('data', (data) => {
      if (silent.has(client)) return
      if (marked !== undefined && data.includes(marked)) {
        losing = true
        marked = undefined
      }
      onward.write(data)
    })
    onward.on('data', (data) => {
      if (silent.has(onward)) return
      // The server answers, so the statement has been executed.
      if (losing) {
        lost += 1
        cut()
      } else if (delay === 0) client.write(data)
      else setTimeout(() => client.writable && client.write(data), delay).unref()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The relay has no port.')
  const url = new URL(target)
  url.port = String(address.port)
  return {
    url: url.href,
    cut() {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    restore: () => {
      isCut = false
    },
    pointTo: (url) => {
      to = new URL(url)
    },
    silence() {
      for (const socket of sockets) silent.add(socket)
    },
    loseAnswerTo: (text) => (marked = text),
    delayAnswers: (milliseconds) => (delay = milliseconds),
    get lost() {
      return lost
    }
  }
}
