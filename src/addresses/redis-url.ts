import { InvalidUrl, readServerUrl } from './server-url.js'

/** A Redis or Valkey server, or the Sentinels that know it, as a URL names them. */
export interface RedisAddress {
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: number
  readonly isTls: boolean
  /** Defined if the hosts are Sentinels. */
  readonly sentinel: RedisSentinel | undefined
}

interface RedisSentinel {
  /** The name under which the Sentinels know the primary. */
  readonly name: string
  /** The credentials of the Sentinels themselves. */
  readonly user: string | undefined
  readonly password: string | undefined
}

const schemes: ReadonlySet<string> = new Set(['redis', 'rediss', 'redis-sentinel', 'rediss-sentinel'])
const known: ReadonlySet<string> = new Set(['db', 'sentinel_user', 'sentinel_password'])

/**
 * Reads `redis://user:password@host:port/database`, `redis-sentinel://user:password@host:port,host:port/name?db=1`, and
 * both with TLS, as `rediss://` and `rediss-sentinel://`. Throws `InvalidUrl`.
 */
export function readRedisUrl(text: string): RedisAddress {
  const { scheme, hosts, user, password, path, parameters } = readServerUrl(text)
  if (scheme.endsWith('-cluster')) {
    throw new InvalidUrl(
      'names a Redis Cluster, which is not supported: name one server, or Sentinels by redis-sentinel://'
    )
  }
  if (!schemes.has(scheme))
    throw new InvalidUrl('must begin with redis://, rediss://, redis-sentinel:// or rediss-sentinel://')
  const isSentinel = scheme.endsWith('-sentinel')
  const unknown = [...parameters.keys()].find((name) => !known.has(name) || (name !== 'db' && !isSentinel))
  if (unknown !== undefined)
    throw new InvalidUrl('has a parameter that is not known here: docs/addresses.md lists them')
  if (!isSentinel && hosts.length > 1) {
    throw new InvalidUrl('names several servers: name the primary, or the Sentinels that know it by redis-sentinel://')
  }
  if (isSentinel && path === undefined) {
    throw new InvalidUrl('must name the primary after the Sentinels, such as redis-sentinel://host1,host2/mymaster')
  }
  const usualPort = isSentinel ? 26_379 : 6379
  return {
    hosts: hosts.map(({ name, port = usualPort }) => ({ host: name || 'localhost', port })),
    user,
    password,
    database: readDatabase(parameters.get('db') ?? (isSentinel ? undefined : path)),
    isTls: scheme.startsWith('rediss'),
    sentinel:
      isSentinel && path !== undefined
        ? { name: path, user: parameters.get('sentinel_user'), password: parameters.get('sentinel_password') }
        : undefined
  }
}

function readDatabase(text = '0'): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidUrl('must have the number of a database after its host, or nothing')
  return Number(text)
}
