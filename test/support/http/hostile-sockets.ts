import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** Clients that hold connections open or send more than the server accepts. */

/** What the server sent before it closed, and how many bytes the client had sent until then. */
export interface ClosedConnection {
  readonly status: number
  readonly text: string
  readonly sentBytes: number
}

const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0)

interface Held {
  readonly socket: Socket
  readonly closed: Promise<void>
  readonly text: () => string
  readonly isOpen: () => boolean
}

async function hold(port: number): Promise<Held> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  let open = true
  socket.setEncoding('latin1').on('data', (piece: string) => {
    text += piece
  })
  // A client that keeps writing after the server has closed gets a reset.
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      open = false
      resolve()
    })
  })
  await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), closed])
  return { socket, closed, text: () => text, isOpen: () => open }
}

/** Sends `head`, then `piece` repeatedly, `bytes` in total, as fast as the server reads. */
export async function flood(port: number, head: string, piece: Buffer, bytes: number): Promise<ClosedConnection> {
  const { socket, closed, text, isOpen } = await hold(port)
  socket.write(head)
  let sentBytes = 0
  while (isOpen() && sentBytes < bytes && statusOf(text()) < 400) {
    sentBytes += piece.length
    if (socket.write(piece)) await delay(0)
    else await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed])
  }
  if (statusOf(text()) === 0) await closed
  socket.destroy()
  return { status: statusOf(text()), text: text(), sentBytes }
}

/** Sends `head` at once, then `pieces` one by one with pauses, until the server closes. */
export async function drip(
  port: number,
  {
    head,
    pieces,
    pauseMilliseconds
  }: { readonly head: string; readonly pieces: string; readonly pauseMilliseconds: number }
): Promise<ClosedConnection> {
  const { socket, closed, text, isOpen } = await hold(port)
  let sentBytes = head.length
  socket.write(head)
  for (let next = 0; isOpen(); next += 1) {
    await Promise.race([delay(pauseMilliseconds), closed])
    if (!isOpen() || pieces === '') continue
    socket.write(pieces.charAt(next % pieces.length))
    sentBytes += 1
  }
  return { status: statusOf(text()), text: text(), sentBytes }
}

export const jsonHead = (line: string, ...headers: readonly string[]) =>
  `${[`${line} HTTP/1.1`, 'host: auth.test', 'content-type: application/json', ...headers].join('\r\n')}\r\n\r\n`

/** A piece of 64 KiB, as part of a body with a Content-Length, or as a chunk. */
export const piece = Buffer.alloc(64 * 1024, ' ')
export const chunk = Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')])
