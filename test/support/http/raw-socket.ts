import { connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Problem } from '../../../src/http/schemas/problem.js'

export interface RawResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Listens on a free port of this machine. */
export async function portOf(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  const [address] = app.addresses()
  if (address === undefined || typeof address === 'string') throw new Error('The app has no port.')
  return address.port
}

/**
 * Sends `text` unchanged, and returns everything that the server sends until it closes. No client library repairs,
 * refuses or escapes anything.
 */
export async function sendRaw(port: number, text: string | Buffer): Promise<RawResponse> {
  const chunks: Buffer[] = []
  await new Promise<void>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve())
    // A server that refuses the request may close while we still send.
    socket.on('error', (error) => (chunks.length > 0 ? resolve() : reject(error)))
  })
  const [head = '', ...rest] = Buffer.concat(chunks).toString().split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = lines.map((line) => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 2)
  ])
  return { status: Number(statusLine.split(' ')[1]), headers: Object.fromEntries(headers), body: rest.join('\r\n\r\n') }
}

/** A request line and headers, with `Connection: close`. */
export function rawRequest(line: string, headers: readonly string[] = [], body = ''): string {
  const length = body === '' ? [] : [`content-length: ${Buffer.byteLength(body)}`]
  return `${[`${line} HTTP/1.1`, 'host: auth.test', 'connection: close', ...length, ...headers].join('\r\n')}\r\n\r\n${body}`
}

export const problemOf = ({ body }: RawResponse): Problem => JSON.parse(body)
