import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { Delivery } from '../plan/deliveries.js'
import { type HttpResponse, headLength, isWholeRequest, parseResponse } from './http-message.js'

/** What happened to a request at the service, whether or not the client got a response. */
interface DeliveryResult {
  /** When the service was sent the whole request; undefined if it never was. */
  readonly deliveredAt: number | undefined
  /** One for each copy of the request. `response` is undefined if the service closed the connection first. */
  readonly responses: readonly { readonly response: HttpResponse | undefined; readonly at: number }[]
}

export type FaultProxy = Awaited<ReturnType<typeof openFaultProxy>>

const neverDelivered: DeliveryResult = { deliveredAt: undefined, responses: [] }

interface Route {
  readonly url: URL
  readonly delivery: Delivery
  readonly timeoutMilliseconds: number
}

/** How long the service may take before the proxy closes the connection. */
const serviceTimeoutMilliseconds = 30_000

/**
 * A TCP proxy that carries each connection as its delivery says. A connection holds a line with the number of the
 * delivery, then one request. The proxy sees every response of the service, also those that it then drops.
 */
export async function openFaultProxy(now: () => number) {
  const pending = new Map<string, Route & { readonly resolve: (result: DeliveryResult) => void }>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => client.destroy())
    accept(client).catch(() => client.destroy())
  })
  let lastNumber = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  async function accept(client: Socket): Promise<void> {
    const bytes = await readUntil(client, (bytes) => isWholeRequest(afterFirstLine(bytes)))
    const number = bytes.subarray(0, bytes.indexOf('\n')).toString()
    const delivery = pending.get(number)
    if (delivery === undefined) throw new Error('The connection names no delivery, or its client has given up.')
    pending.delete(number)
    delivery.resolve(await carry(client, afterFirstLine(bytes), delivery, now))
  }

  return {
    /** Sends a request through the proxy. `received` is undefined if the client got no response before its timeout. */
    async send(request: Buffer, route: Route) {
      lastNumber += 1
      const number = String(lastNumber)
      const result = new Promise<DeliveryResult>((resolve) => pending.set(number, { ...route, resolve }))
      const socket = connectTcp(port, '127.0.0.1')
      const bytes = await exchange(
        socket,
        Buffer.concat([Buffer.from(`${number}\n`), request]),
        route.timeoutMilliseconds
      )
      // If it is still pending, the proxy never accepted the connection.
      pending.get(number)?.resolve(neverDelivered)
      pending.delete(number)
      return { received: parseResponse(bytes), result }
    },
    async close(): Promise<void> {
      server.close()
      await once(server, 'close')
    }
  }
}

/** Carries a request to the service and the response to the client, or drops one of them. */
async function carry(client: Socket, request: Buffer, { url, delivery }: Route, now: () => number) {
  const { fault, hangs } = delivery
  await delay(delivery.requestDelay)
  // A client that has given up sends nothing.
  if (client.destroyed || client.readableEnded) return hangUp(client, false, neverDelivered)
  if (fault === 'drop_request') return hangUp(client, hangs, neverDelivered)
  if (fault === 'cut_request_headers') {
    const upstream = connect(url)
    upstream.on('error', () => upstream.destroy())
    upstream.write(request.subarray(0, (headLength(request) ?? 0) / 2), () => upstream.destroy())
    return hangUp(client, hangs, neverDelivered)
  }

  const deliveredAt = now()
  const copies = Array.from({ length: fault === 'duplicate' ? 2 : 1 }, async () => {
    const bytes = await exchange(connect(url), request, serviceTimeoutMilliseconds)
    return { bytes, response: parseResponse(bytes), at: now() }
  })
  // The client gets a response when all copies are answered, as behind a gateway that retries.
  const responses = await Promise.all(copies)
  await delay(delivery.responseDelay)
  const result: DeliveryResult = { deliveredAt, responses }
  const bytes = responses.findLast(({ response }) => response !== undefined)?.bytes
  if (bytes === undefined || fault === 'drop_response') return hangUp(client, hangs, result)
  client.end(fault === 'cut_response_headers' ? bytes.subarray(0, (headLength(bytes) ?? 0) / 2) : bytes)
  return result
}

/** Cuts the client's connection, or leaves it open until the client closes it. */
function hangUp<T>(client: Socket, hangs: boolean, result: T): T {
  if (hangs && !client.destroyed && !client.readableEnded) client.once('end', () => client.destroy())
  else client.destroy()
  return result
}

function connect({ protocol, hostname, port }: URL): Socket {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return protocol === 'https:'
    ? connectTls({ host, port: Number(port || 443), servername: host })
    : connectTcp({ host, port: Number(port || 80) })
}

/** Writes `bytes` and returns what arrives until the other end closes or breaks the connection; nothing on a timeout. */
function exchange(socket: Socket, bytes: Buffer, timeoutMilliseconds: number): Promise<Buffer> {
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
    }, timeoutMilliseconds)
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
    const fail = () => reject(new Error('The client closed the connection before its request was complete.'))
    // `end` too: a half-open connection does not close by itself.
    socket.once('end', fail).once('close', fail)
  })
}

const afterFirstLine = (bytes: Buffer) => bytes.subarray(bytes.indexOf('\n') + 1)
