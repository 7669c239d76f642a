import { containStrangers, isWithin, readNetwork } from '../network-address.js'

/** The words of `TRUST_PROXY` for the networks of one machine, one link and private networks. */
const words: ReadonlyMap<string, readonly string[]> = new Map([
  ['loopback', ['127.0.0.0/8', '::1']],
  ['linklocal', ['169.254.0.0/16', 'fe80::/10']],
  ['uniquelocal', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']]
])

function networksOf(proxy: string) {
  return (words.get(proxy) ?? [proxy]).map(readNetwork)
}

export function isProxy(text: string): boolean {
  return !networksOf(text).includes(undefined)
}

/** Whether the entries together contain addresses of strangers, who could then claim any address. */
export function trustStrangers(proxies: readonly string[]): boolean {
  return containStrangers(proxies.flatMap(networksOf).filter((network) => network !== undefined))
}

/**
 * Fastify's `trustProxy` for `TRUST_PROXY`. Fastify's own would trust no proxy that is named with a port, and would read
 * `010.0.0.1` as 8.0.0.1.
 */
export function trustedProxies(proxies: readonly string[]): false | ((address: string | undefined) => boolean) {
  const networks = proxies.flatMap(networksOf).filter((network) => network !== undefined)
  return networks.length > 0 && ((address) => isWithin(networks, address ?? ''))
}
