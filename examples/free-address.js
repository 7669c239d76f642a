import { once } from 'node:events'
import { createServer } from 'node:net'

/** An address with a free port, for apps that must know each other's address before they listen. */
export async function freeAddress() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}
