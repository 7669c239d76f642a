import type { FastifyRequest } from 'fastify'
import { readAddress } from '../network-address.js'

/**
 * The address of the client, in its one spelling. If a trusted proxy sends a text that is not an address, the client
 * counts as the proxy. Undefined over a Unix socket.
 */
export function clientAddress({ ip, socket }: Pick<FastifyRequest, 'ip' | 'socket'>): string | undefined {
  return readAddress(ip ?? '') ?? readAddress(socket.remoteAddress ?? '')
}
