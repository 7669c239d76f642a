import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Serves what `answer` returns at a port of 127.0.0.1. Does not keep the process alive. */
export async function serve(port: number, answer: (path: string, headers: Headers) => Response) {
  const server = createServer((request, response) => {
    const headers = Object.entries(request.headersDistinct).map(([name, values = []]) => [name, values.join(', ')])
    const {
      status,
      headers: answered,
      body
    } = answer(new URL(request.url ?? '', 'http://x').pathname, new Headers(headers))
    response.writeHead(status, Object.fromEntries(answered))
    if (body === null) response.end()
    // A reader that goes away ends its stream.
    else pipeline(Readable.fromWeb(body), response).catch(() => undefined)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  server.unref()
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port

  return {
    url: `http://127.0.0.1:${bound}`,
    close(): Promise<void> {
      return new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    }
  }
}
