import { withoutBlanks } from '../../core/header-text.js'

/** Each request gets a connection of its own, which closes after the response. */
export interface HttpRequest {
  readonly method: string
  readonly path: string
  readonly host: string
  readonly headers: Readonly<Record<string, string>>
  readonly content?: object | undefined
}

export interface HttpResponse {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly setCookies: readonly string[]
  /** Undefined if the body is not JSON. */
  readonly body: unknown
}

const endOfHead = '\r\n\r\n'

export function formatRequest({ method, path, host, headers, content }: HttpRequest): Buffer {
  const body = content === undefined ? '' : JSON.stringify(content)
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `host: ${host}`,
    'connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(content === undefined ? [] : ['content-type: application/json']),
    `content-length: ${Buffer.byteLength(body)}`
  ]
  return Buffer.from(lines.join('\r\n') + endOfHead + body)
}

/** The number of bytes before the body; undefined if the head is incomplete. */
export function headLength(bytes: Buffer): number | undefined {
  const end = bytes.indexOf(endOfHead)
  return end === -1 ? undefined : end + endOfHead.length
}

/** Whether `bytes` hold a whole request of `formatRequest`. */
export function isWholeRequest(bytes: Buffer): boolean {
  const head = headLength(bytes)
  if (head === undefined) return false
  const length = /^content-length: *(\d+)/im.exec(bytes.subarray(0, head).toString('latin1'))?.[1] ?? '0'
  return bytes.length >= head + Number(length)
}

/** The response that a closed connection received; undefined if it is incomplete. */
export function parseResponse(bytes: Buffer): HttpResponse | undefined {
  const head = headLength(bytes)
  if (head === undefined) return undefined
  const [statusLine = '', ...lines] = bytes
    .subarray(0, head - endOfHead.length)
    .toString('latin1')
    .split('\r\n')
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1]
  if (status === undefined) return undefined
  const fields = lines.map(
    (line) =>
      [line.slice(0, line.indexOf(':')).toLowerCase(), withoutBlanks(line.slice(line.indexOf(':') + 1))] as const
  )
  const headers = new Map(fields)
  const content = bytes.subarray(head)
  const body = headers.get('transfer-encoding') === 'chunked' ? joinChunks(content) : content
  if (body === undefined || body.length < Number(headers.get('content-length') ?? 0)) return undefined
  const setCookies = fields.filter(([name]) => name === 'set-cookie').map(([, value]) => value)
  return { status: Number(status), headers, setCookies, body: readJson(body, headers.get('content-type')) }
}

function readJson(body: Buffer, type = ''): unknown {
  if (!/[/+]json\b/.test(type)) return undefined
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

/** Decodes chunked content (RFC 9112 §7.1); undefined if the last chunk is missing. */
function joinChunks(bytes: Buffer): Buffer | undefined {
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const endOfSize = bytes.indexOf('\r\n', at)
    if (endOfSize === -1) return undefined
    const size = Number.parseInt(bytes.subarray(at, endOfSize).toString('latin1'), 16)
    if (size === 0) return Buffer.concat(chunks)
    const start = endOfSize + 2
    if (Number.isNaN(size) || bytes.length < start + size) return undefined
    chunks.push(bytes.subarray(start, start + size))
    at = start + size + 2
  }
}

/** A member of a JSON object, if it is a string. */
export function textMember(body: unknown, name: string): string | undefined {
  const value = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined
  return typeof value === 'string' ? value : undefined
}

/** The objects in a list that is a member of a JSON object; undefined if there is no such list. */
export function listMember(body: unknown, name: string): readonly unknown[] | undefined {
  const value = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined
  return Array.isArray(value) ? value : undefined
}
