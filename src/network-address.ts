/** IP addresses as text: one spelling for each, and the networks that contain them. */

import { isIP, isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Mapped IPv4 addresses (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2) are read as IPv4. */
type Address = ipaddr.IPv4 | ipaddr.IPv6

/** A network in CIDR notation: all addresses whose first `bits` are those of `address`. */
export interface Network {
  readonly address: Address
  readonly bits: number
}

/** Above the length of an address with zone and port: the rest would only cost time. */
const maxEntryLength = 100

/**
 * The address in an entry of `X-Forwarded-For`, a filter or a socket, in its one spelling: IPv4 with dots, also where it
 * came mapped into IPv6; IPv6 as in RFC 5952, without its zone. A port and the brackets around IPv6 are removed.
 * Undefined for any other text.
 */
export function readAddress(entry: string): string | undefined {
  // The usual case, at every request.
  if (isIPv4(entry)) return entry
  return parseEntry(entry)?.toString()
}

/** The network that counts as one client: an IPv4 address, or an IPv6 /64, because one client usually has a whole /64. */
export function clientNetwork(address: string): string {
  return isIPv6(address) ? `${ipaddr.IPv6.networkAddressFromCIDR(`${address}/64`)}/64` : address
}

/** Reads `address` or `address/bits`. Undefined for any other text. */
export function readNetwork(text: string): Network | undefined {
  const [, written = '', given] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const address = parse(written)
  if (address === undefined) return undefined
  const length = address.kind() === 'ipv4' ? 32 : 128
  // The bits of a mapped address count from the beginning of `::ffff:`.
  const skipped = written.includes(':') ? 128 - length : 0
  const bits = given === undefined ? length : Math.max(0, Number(given) - skipped)
  return bits <= length ? { address, bits } : undefined
}

/** Whether one of `networks` contains `address`, which can have any spelling that `readAddress` reads. */
export function isWithin(networks: readonly Network[], address: string): boolean {
  const read = parseEntry(address)
  return networks.some(
    (network) => read?.kind() === network.address.kind() && read.match(network.address, network.bits)
  )
}

/**
 * Whether the network has addresses of strangers all over the internet: IPv4 wider than /8, or IPv6 wider than /16 and
 * not private (`fc00::/7`) or link-local (`fe80::/10`).
 */
export function isTooWide({ address, bits }: Network): boolean {
  if (address.kind() === 'ipv4') return bits < 8
  return bits < 16 && !(bits >= 7 && ['uniqueLocal', 'linkLocal'].includes(address.range()))
}

/** Only an IPv6 address has brackets or a zone, and only an IPv4 address has a port without brackets. */
function parseEntry(entry: string): Address | undefined {
  if (entry.length > maxEntryLength) return undefined
  // Not `trim`, which also removes characters that HTTP does not count as space (RFC 9110 §5.6.3).
  const trimmed = entry.replace(/^[ \t]+|[ \t]+$/g, '')
  const [, bracketed, dotted] = /^\[([^\]]*:[^\]]*)\](?::\d{1,5})?$|^([\d.]+):\d{1,5}$/.exec(trimmed) ?? []
  const text = bracketed ?? dotted ?? trimmed
  return parse(text.includes(':') ? text.replace(/%[\w.~-]+$/, '') : text)
}

/** Reads an address alone, without brackets, port and zone. */
function parse(text: string): Address | undefined {
  // ipaddr.js would also read IPv4 in octal, in hexadecimal and with fewer than four numbers.
  if (isIP(text) === 0 || text.includes('%')) return undefined
  // ipaddr.js would read `::1.2.3.4`, which is `::102:304`, as `::ffff:1.2.3.4`.
  return ipaddr.process(text.replace(/^::(?=\d+\.)/, '0::'))
}
