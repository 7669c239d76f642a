import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { headLength, isWholeRequest, parseResponse, type Response } from './http-message.js'
import type { Journey } from './journey.js'

/** What became of a request at the service, whether or not its client heard of it. */
export interface Carried {
  /** When the service was sent the whole request; undefined where it never was. */
  readonly passedAt: number | undefined
  /** The service's answers, one for each copy; without a response where the service closed before it had answered. */
  readonly answers: readonly { readonly response: Response | undefined; readonly at: number }[]
}

export interface FaultProxy {
  /** Sends a request through the proxy; `heard` is undefined where no answer came within `patienceMilliseconds`. */
  send(
    request: Buffer,
    route: { readonly url: URL; readonly journey: Journey; readonly patienceMilliseconds: number }
  ): Promise<{ readonly heard: Response | undefined; readonly carried: Promise<Carried> }>
  close(): Promise<void>
}

const lost: Carried = { passedAt: undefined, answers: [] }

interface Trip {
  readonly url: URL
  readonly journey: Journey
  readonly tell: (carried: Carried) => void
}

/** How long the service may take before its connection is given up. */
const serviceTimeoutMilliseconds = 30_000

/**
 * A TCP proxy that treats every connection as its trip says. A connection carries one request, after
 * a line with the number of its trip. It sees every answer of the service, those it then loses as well.
 */
export async function openFaultProxy(now: () => number): Promise<FaultProxy> {
  const trips = new Map<string, Trip>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => client.destroy())
    accept(client).catch(() => client.destroy())
  })
  let lastTrip = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  async function accept(client: Socket): Promise<void> {
    const bytes = await readUntil(client, (bytes) => isWholeRequest(afterFirstLine(bytes)))
    const number = bytes.subarray(0, bytes.indexOf('\n')).toString()
    const trip = trips.get(number)
    if (trip === undefined) throw new Error('The connection names no trip, or its client has given up.')
    trips.delete(number)
    trip.tell(await carry(client, afterFirstLine(bytes), trip, now))
  }

  return {
    async send(request, { url, journey, patienceMilliseconds }) {
      lastTrip += 1
      const number = String(lastTrip)
      const carried = new Promise<Carried>((tell) => trips.set(number, { url, journey, tell }))
      const socket = connectTcp(port, '127.0.0.1')
      const bytes = await exchange(socket, Buffer.concat([Buffer.from(`${number}\n`), request]), patienceMilliseconds)
      // Still there, it was never taken up.
      trips.get(number)?.tell(lost)
      trips.delete(number)
      return { heard: parseResponse(bytes), carried }
    },
    async close() {
      server.close()
      await once(server, 'close')
    }
  }
}

/** Takes a request to the service and its answer to the client, or loses one of them. */
async function carry(client: Socket, request: Buffer, { url, journey }: Trip, now: () => number): Promise<Carried> {
  const { fault, up, down } = journey
  await delay(up)
  // Whoever has given up is not there to send any more.
  if (client.destroyed || client.readableEnded) return hangUp(client, false, lost)
  if (fault === 'drop_request') return hangUp(client, journey.silent, lost)
  if (fault === 'cut_request_headers') {
    const upstream = connect(url)
    upstream.on('error', () => upstream.destroy())
    upstream.write(request.subarray(0, (headLength(request) ?? 0) / 2), () => upstream.destroy())
    return hangUp(client, journey.silent, lost)
  }

  const passedAt = now()
  const copies = Array.from({ length: fault === 'duplicate' ? 2 : 1 }, async () => {
    const bytes = await exchange(connect(url), request, serviceTimeoutMilliseconds)
    return { bytes, response: parseResponse(bytes), at: now() }
  })
  // A client hears of its request when all copies of it are done, as behind a gateway that retries.
  const answers = await Promise.all(copies)
  await delay(down)
  const carried: Carried = { passedAt, answers }
  const bytes = answers.findLast(({ response }) => response !== undefined)?.bytes
  if (bytes === undefined || fault === 'drop_response') return hangUp(client, journey.silent, carried)
  const heard = fault === 'cut_response_headers' ? bytes.subarray(0, (headLength(bytes) ?? 0) / 2) : bytes
  client.end(heard)
  return carried
}

/** Cuts the client's connection, or leaves it to wait until it gives up by itself. */
function hangUp<T>(client: Socket, silent: boolean, result: T): T {
  if (silent && !client.destroyed && !client.readableEnded) client.once('end', () => client.destroy())
  else client.destroy()
  return result
}

function connect({ protocol, hostname, port }: URL): Socket {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return protocol === 'https:'
    ? connectTls({ host, port: Number(port || 443), servername: host })
    : connectTcp({ host, port: Number(port || 80) })
}

/** Writes, and gives what comes back until the other end closes, breaks, or the time is up. */
function exchange(socket: Socket, bytes: Buffer, milliseconds: number): Promise<Buffer> {
  return new Promise((resolve) => {
    const received: Buffer[] = []
    const done = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(Buffer.concat(received))
    }
    const timer = setTimeout(() => {
      received.length = 0
      done()
    }, milliseconds)
    socket.on('data', (chunk: Buffer) => received.push(chunk))
    socket.once('end', done).once('close', done).on('error', done)
    socket.write(bytes)
  })
}

function readUntil(socket: Socket, isWhole: (bytes: Buffer) => boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      if (isWhole(bytes)) resolve(bytes)
    })
    const leave = () => reject(new Error('The client left before its request was whole.'))
    // A half that stays open is not closed by itself.
    socket.once('end', leave).once('close', leave)
  })
}

const afterFirstLine = (bytes: Buffer) => bytes.subarray(bytes.indexOf('\n') + 1)
