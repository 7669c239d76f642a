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

/**
 * Whether the networks together contain strangers from all over the internet: more addresses than an IPv4 /8 or an IPv6
 * /16, or IPv6 addresses that stand for more IPv4 addresses than a /8. Private networks do not count.
 */
export function containStrangers(networks: readonly Network[]): boolean {
  const counted = networks
    .map(rangeOf)
    .filter((range) => !privateRanges.some((outer) => overlap(range, outer) === sizeOf(range)))
  const united = unite(counted)
  return areas.some(({ range, maxBits }) => {
    const size = united.reduce((sum, part) => sum + overlap(part, range), 0n)
    return size > 1n << BigInt(maxBits)
  })
}

/** Addresses from `first` to `last` as numbers of IPv6. An IPv4 address has the number of its mapped form. */
interface Range {
  readonly first: bigint
  readonly last: bigint
}

function rangeOf({ address, bits }: Network): Range {
  const isIPv4Network = address instanceof ipaddr.IPv4
  const bytes = (isIPv4Network ? address.toIPv4MappedAddress() : address).toByteArray()
  const hostBits = BigInt((isIPv4Network ? 32 : 128) - bits)
  const number = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  const first = (number >> hostBits) << hostBits
  return { first, last: first + (1n << hostBits) - 1n }
}

function rangeOfCidr(text: string): Range {
  const [address, bits] = ipaddr.parseCIDR(text)
  return rangeOf({ address, bits })
}

const sizeOf = ({ first, last }: Range) => last - first + 1n

/** How many addresses both ranges have. */
function overlap(one: Range, other: Range): bigint {
  if (other.first < one.first) return overlap(other, one)
  if (one.last < other.first) return 0n
  return other.last < one.last ? sizeOf(other) : one.last - other.first + 1n
}

/** Ranges with the same addresses, none of them in two ranges. */
function unite(ranges: readonly Range[]): readonly Range[] {
  const united: Range[] = []
  for (const range of [...ranges].sort((one, other) => (one.first < other.first ? -1 : 1))) {
    const previous = united.at(-1)
    if (previous === undefined || previous.last < range.first) united.push(range)
    else if (previous.last < range.last) united.splice(-1, 1, { first: previous.first, last: range.last })
  }
  return united
}

const privateRanges = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '127.0.0.0/8',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10'
].map(rangeOfCidr)

/** Where strangers have their addresses, and how many of them networks may contain: 2 to the power of `maxBits`. */
const areas = (
  [
    ['IPv6', '::/0', 112],
    ['IPv4', '0.0.0.0/0', 24],
    ['NAT64 (RFC 6052 §2.1)', '64:ff9b::/96', 24],
    ['local NAT64 (RFC 8215)', '64:ff9b:1::/48', 24],
    ['IPv4-compatible (RFC 4291 §2.5.5.1)', '::/96', 24],
    ['IPv4-translated (RFC 2765 §2.1)', '::ffff:0:0:0/96', 24],
    ['6to4 (RFC 3056 §2), a /48 for each IPv4 address', '2002::/16', 80 + 24],
    ['Teredo (RFC 4380 §4), which has the server in the next 32 bits', '2001::/32', 64 + 24]
  ] as const
).map(([, cidr, maxBits]) => ({ range: rangeOfCidr(cidr), maxBits }))
