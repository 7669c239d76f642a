/** IP addresses as text: one spelling for each, and the networks that contain them. */

/** The 8 groups of an IPv6 address. An IPv4 address has those of its mapped form, `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2). */
type Groups = readonly number[]

/** A network in CIDR notation: the first `bits` of an address, counted as in IPv6. */
export interface Network {
  readonly groups: Groups
  readonly bits: number
}

/** Without leading zeros, because some programs read such numbers as octal. */
const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/

/** Above the length of an address with zone and port: the rest would only cost time. */
const maxEntryLength = 100

/** The bits of a mapped IPv4 address before its own 32. */
const mappedBits = 96

/**
 * The address in an entry of `X-Forwarded-For`, a filter or a socket, in its one spelling: IPv4 with dots, also where it
 * came mapped into IPv6; IPv6 as in RFC 5952, without its zone. A port and the brackets around IPv6 are removed.
 * Undefined for any other text.
 */
export function readAddress(entry: string): string | undefined {
  // The usual case, at every request.
  if (ipv4.test(entry)) return entry
  const groups = groupsOfEntry(entry)
  return groups && format(groups)
}

/** The network that counts as one client: an IPv4 address, or an IPv6 /64, because one client usually has a whole /64. */
export function clientNetwork(address: string): string {
  const groups = groupsOf(address)
  if (groups === undefined || isMapped(groups)) return address
  return `${format([...groups.slice(0, 4), 0, 0, 0, 0])}/64`
}

/** Reads `address` or `address/bits`. Undefined for any other text. */
export function readNetwork(text: string): Network | undefined {
  const [, address = '', given] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const groups = groupsOf(address)
  if (groups === undefined) return undefined
  const shift = address.includes(':') ? 0 : mappedBits
  const bits = given === undefined ? 128 : Number(given) + shift
  return bits <= 128 ? { groups, bits } : undefined
}

/** Whether one of `networks` contains `address`, which can have any spelling that `readAddress` reads. */
export function isWithin(networks: readonly Network[], address: string): boolean {
  const groups = groupsOfEntry(address)
  return groups !== undefined && networks.some((network) => contains(network, groups))
}

/**
 * Whether the network has addresses of strangers all over the internet: IPv4 wider than /8, or IPv6 wider than /16 and
 * not private (`fc00::/7`) or link-local (`fe80::/10`).
 */
export function isTooWide({ groups, bits }: Network): boolean {
  if (isMapped(groups)) return bits < mappedBits + 8
  return bits < 16 && !(bits >= 7 && contains({ groups: [0xfc00], bits: 6 }, groups))
}

/** Only an IPv6 address has brackets or a zone, and only an IPv4 address has a port without brackets. */
function groupsOfEntry(entry: string): Groups | undefined {
  if (entry.length > maxEntryLength) return undefined
  // Not `trim`, which also removes characters that HTTP does not count as space (RFC 9110 §5.6.3).
  const trimmed = entry.replace(/^[ \t]+|[ \t]+$/g, '')
  const [, bracketed, dotted] = /^\[([^\]]*:[^\]]*)\](?::\d{1,5})?$|^([\d.]+):\d{1,5}$/.exec(trimmed) ?? []
  const text = bracketed ?? dotted ?? trimmed
  return groupsOf(text.includes(':') ? text.replace(/%[\w.~-]+$/, '') : text)
}

function contains(network: Network, groups: Groups): boolean {
  if (isMapped(network.groups) !== isMapped(groups)) return false
  return network.groups.every((group, at) => {
    const differing = group ^ (groups[at] ?? 0)
    const bits = Math.min(16, Math.max(0, network.bits - 16 * at))
    return differing >> (16 - bits) === 0
  })
}

function isMapped(groups: Groups): boolean {
  return groups.every((group, at) => at > 5 || group === (at === 5 ? 0xffff : 0))
}

/** Reads an address alone, without brackets, port and zone. */
function groupsOf(text: string): Groups | undefined {
  const [, head = '', dotted] = /^(|[\da-f:]*:)(\d+\.\d+\.\d+\.\d+)$/i.exec(text) ?? [text, text]
  if (dotted === undefined) return groupsOfHex(head)
  const pair = groupsOfDotted(dotted)
  return pair && groupsOfHex(`${head || '::ffff:'}${pair.map((group) => group.toString(16)).join(':')}`)
}

function groupsOfDotted(text: string): Groups | undefined {
  if (!ipv4.test(text)) return undefined
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number)
  return [a * 256 + b, c * 256 + d]
}

/** `::` stands for one or more groups of zeros (RFC 4291 §2.2). */
function groupsOfHex(text: string): Groups | undefined {
  const halves = text.split('::').map((half) => (half === '' ? [] : half.split(':')))
  const [before = [], after, ...more] = halves
  const given = halves.flat()
  const isComplete = after === undefined ? given.length === 8 : given.length < 8
  if (more.length > 0 || !isComplete || !given.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined
  const zeros = Array.from({ length: 8 - given.length }, () => '0')
  return [...before, ...zeros, ...(after ?? [])].map((group) => Number.parseInt(group, 16))
}

/** IPv4 with dots; IPv6 in lower case with the longest run of zeros left out, the first of equals (RFC 5952 §4). */
function format(groups: Groups): string {
  if (isMapped(groups))
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 255])
      .join('.')
  const zeros = groups.map((_, at) => {
    const end = groups.findIndex((group, index) => index >= at && group !== 0)
    return (end === -1 ? 8 : end) - at
  })
  const longest = Math.max(...zeros)
  const text = (part: Groups) => part.map((group) => group.toString(16)).join(':')
  if (longest < 2) return text(groups)
  const start = zeros.indexOf(longest)
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + longest))}`
}
