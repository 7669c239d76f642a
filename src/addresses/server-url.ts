/** A URL cannot be read. `message` completes "DATABASE_URL …", is one line, and shows nothing of the URL that is secret. */
export class InvalidUrl extends Error {
  override readonly name = 'InvalidUrl'
}

interface ServerHost {
  /** A name, an address without brackets, or a path; '' if there is none. */
  readonly name: string
  readonly port: number | undefined
}

/** A URL of the form `scheme://user:password@host:port,host:port/path?name=value`, with its parts decoded. */
export interface ServerUrl {
  readonly scheme: string
  readonly user: string | undefined
  readonly password: string | undefined
  /** At least one. */
  readonly hosts: readonly ServerHost[]
  /** Without the slash before it; undefined if it is empty. */
  readonly path: string | undefined
  readonly parameters: ReadonlyMap<string, string>
}

const encodings = 'write @ as %40, / as %2F, ? as %3F and % as %25 in a user name or password'

/**
 * Reads a URL as PostgreSQL's libpq does, and not as browsers do: a `#` is a character like any other, and there may be
 * several hosts. A password may have any character but `/` and `?`, which must be encoded. Throws `InvalidUrl`.
 */
export function readServerUrl(text: string): ServerUrl {
  if (/\s/.test(text))
    throw new InvalidUrl('has a space or a line break: write a space as %20, and nothing after the end')
  const [, scheme, authority, tail] = /^([a-z][a-z0-9+-]*):\/\/([^/?]*)(.*)$/i.exec(text) ?? []
  if (scheme === undefined || authority === undefined || tail === undefined) {
    throw new InvalidUrl('is not an address of the form scheme://host')
  }
  // What looks like a path may be the rest of a password. So nothing of it is shown.
  if (tail.includes('@')) throw new InvalidUrl(`has an @ behind its host: ${encodings}`)
  const at = authority.lastIndexOf('@')
  const [user, password] = at === -1 ? [] : splitAt(authority.slice(0, at), ':')
  const [path = '', query = ''] = splitAt(tail, '?')
  return {
    scheme: scheme.toLowerCase(),
    user: decoded(user) || undefined,
    password: decoded(password) || undefined,
    hosts: readHosts(authority.slice(at + 1)),
    path: decoded(path.slice(1)) || undefined,
    parameters: readParameters(query)
  }
}

/** The hosts of `text`, such as `a:1,b,[::1]:2`. Throws `InvalidUrl` if a port is not one. */
function readHosts(text: string): readonly ServerHost[] {
  return text.split(',').map((entry) => {
    const [, bracketed, plain, port = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(entry) ?? []
    const name = bracketed ?? decoded(plain)
    if (name === undefined)
      throw new InvalidUrl('has a host that is neither a name nor an address: write IPv6 in brackets')
    return { name, port: port === '' ? undefined : readPort(port) }
  })
}

/** Throws `InvalidUrl` if `text` is not the number of a port. */
export function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  // The text is not shown: without a host, it is the password.
  if (port < 1 || port > 65_535) {
    throw new InvalidUrl(
      `must have a port from 1 to 65535 behind its host, or none. If that is a password, ${encodings}`
    )
  }
  return port
}

function readParameters(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (const part of query.split('&').filter((part) => part !== '')) {
    const [name = '', value] = splitAt(part, '=')
    if (value === undefined) throw new InvalidUrl('must have parameters of the form name=value after its ?')
    const key = decoded(name) ?? ''
    if (parameters.has(key)) throw new InvalidUrl('has a parameter twice: name each once')
    parameters.set(key, decoded(value.replaceAll('+', ' ')) ?? '')
  }
  return parameters
}

function splitAt(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator)
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)]
}

/** A `%` that begins no code stands for itself. */
function decoded(text: string | undefined): string | undefined {
  return text?.replace(/(?:%[0-9a-f]{2})+/gi, (codes) => {
    try {
      return decodeURIComponent(codes)
    } catch {
      throw new InvalidUrl('has a %-code that is not UTF-8: write % as %25')
    }
  })
}
