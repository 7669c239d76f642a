/** A request as bytes: one for each connection, which its answer closes. */
export interface Request {
  readonly method: string
  readonly path: string
  readonly host: string
  readonly headers: Readonly<Record<string, string>>
  readonly content?: object | undefined
}

export interface Response {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly setCookies: readonly string[]
  /** The body where it is JSON; undefined otherwise. */
  readonly body: unknown
}

const endOfHead = '\r\n\r\n'

export function formatRequest({ method, path, host, headers, content }: Request): Buffer {
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

/** How many bytes of a message come before its body; undefined where they have not all come. */
export function headLength(bytes: Buffer): number | undefined {
  const end = bytes.indexOf(endOfHead)
  return end === -1 ? undefined : end + endOfHead.length
}

/** Whether all of a request has come, as `formatRequest` makes them. */
export function isWholeRequest(bytes: Buffer): boolean {
  const head = headLength(bytes)
  if (head === undefined) return false
  const length = /^content-length: *(\d+)/im.exec(bytes.subarray(0, head).toString('latin1'))?.[1] ?? '0'
  return bytes.length >= head + Number(length)
}

/** What the bytes of a closed connection say; undefined where the message was cut short. */
export function parseResponse(bytes: Buffer): Response | undefined {
  const head = headLength(bytes)
  if (head === undefined) return undefined
  const [statusLine = '', ...lines] = bytes.subarray(0, head).toString('latin1').trimEnd().split('\r\n')
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1]
  if (status === undefined) return undefined
  const fields = lines.map(
    (line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const
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

/** RFC 9112 §7.1; undefined where the last chunk is missing. */
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
