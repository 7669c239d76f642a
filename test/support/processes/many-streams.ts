/**
 * Opens a stream of events for each token, as a process of its own: it needs a file descriptor for each, as the server
 * does. Sends `open` when all streams are open, and `ended` when the server has ended all of them.
 */
import { connect } from 'node:net'
import type { StreamsToOpen } from './open-streams.js'

const atOnce = 100

process.once('disconnect', () => process.exit())

process.once('message', async ({ port, path, tokens }: StreamsToOpen) => {
  const ended: Promise<void>[] = []
  for (let from = 0; from < tokens.length; from += atOnce) {
    const streams = tokens.slice(from, from + atOnce).map((token) => openStream(port, path, token))
    await Promise.all(streams.map(({ opened }) => opened))
    ended.push(...streams.map((stream) => stream.ended))
  }
  process.send?.('open')
  await Promise.all(ended)
  process.send?.('ended')
  process.disconnect()
})

function openStream(port: number, path: string, token: string) {
  const socket = connect(port, '127.0.0.1')
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Connection: close',
    `Authorization: Bearer ${token}`
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('data', (data) => {
      if (data.toString().startsWith('HTTP/1.1 200 ')) resolve()
      else reject(new Error(data.toString()))
    })
    socket.once('error', reject)
  })
  const ended = new Promise<void>((resolve) => socket.once('end', resolve))
  return { opened, ended }
}
