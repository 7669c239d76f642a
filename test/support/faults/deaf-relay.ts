import { connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

/** NotificationResponse, of PostgreSQL's protocol. */
const notice = 'A'.charCodeAt(0)

/** A relay to a PostgreSQL server that passes on everything but notices. Returns its URL. */
export async function startDeafRelay(t: Pick<Test, 'teardown'>, target: string): Promise<string> {
  const url = new URL(target)
  const { hostname, port } = url
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const onward = connect(Number(port || 5432), hostname)
    const withoutNotices = filter()
    client.on('data', (data) => onward.write(data))
    onward.on('data', (data) => client.write(withoutNotices(data)))
    for (const [socket, other] of [
      [client, onward],
      [onward, client]
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy()).on('close', () => other.destroy())
    }
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The relay has no port.')
  url.port = String(address.port)
  return url.href
}

/** Each message is a type, the length of the rest, and the rest. */
function filter() {
  let unfinished = Buffer.alloc(0)
  return (data: Buffer): Buffer => {
    let rest = Buffer.concat([unfinished, data])
    const kept: Buffer[] = []
    while (rest.length >= 5 && rest.length > rest.readUInt32BE(1)) {
      const end = 1 + rest.readUInt32BE(1)
      if (rest[0] !== notice) kept.push(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
    unfinished = Buffer.from(rest)
    return Buffer.concat(kept)
  }
}
