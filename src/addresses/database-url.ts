import { InvalidUrl, readPort, readServerUrl } from './server-url.js'

/** A PostgreSQL server, as a URL names it. What is undefined is pg's default. */
export interface DatabaseAddress {
  readonly user: string | undefined
  readonly password: string | undefined
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string | undefined
  readonly port: number | undefined
  readonly database: string | undefined
  /** The schema of our tables. Undefined: what the database holds decides. */
  readonly schema: string | undefined
  /** Settings of each session, as PostgreSQL's `options`. */
  readonly options: string | undefined
  readonly applicationName: string | undefined
  /** `off`: never. Undefined: as the variable PGSSLMODE says, and otherwise never. */
  readonly tls: DatabaseTls | 'off' | undefined
  /** Whether the password is bound to the TLS connection where the server offers it (SCRAM-SHA-256-PLUS). */
  readonly bindsChannel: boolean
  /** Parameters that do nothing here. */
  readonly ignored: readonly string[]
}

export interface DatabaseTls {
  /** `full`: the certificate must be trusted and name the host. `authority`: it must be trusted. `none`: any. */
  readonly verify: 'full' | 'authority' | 'none'
  /** The file of the certificates to trust; undefined: those that Node trusts. */
  readonly rootCertificate: string | undefined
  /** The files of the certificate and key of this client. */
  readonly certificate: string | undefined
  readonly key: string | undefined
  /** Whether TLS begins at once, without asking the server (PostgreSQL 17). */
  readonly isDirect: boolean
}

/** Of Prisma and libpq. Leaving them out changes nothing of what they promise. */
const ignoredParameters: ReadonlySet<string> = new Set([
  ...['connection_limit', 'pool_timeout', 'socket_timeout', 'statement_cache_size', 'pgbouncer'],
  ...['connect_timeout', 'client_encoding', 'gssencmode', 'fallback_application_name'],
  ...['keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count', 'tcp_user_timeout']
])

const readParameters: ReadonlySet<string> = new Set([
  ...['user', 'password', 'host', 'port', 'dbname', 'schema', 'options', 'application_name', 'target_session_attrs'],
  ...['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslnegotiation', 'uselibpqcompat', 'channel_binding']
])

const sslModes = ['disable', 'no-verify', 'prefer', 'require', 'verify-ca', 'verify-full']
const channelBindings = ['disable', 'prefer', 'require']
const oneHost =
  'names several hosts: name one address that always leads to the primary, such as a virtual IP, HAProxy or PgBouncer'

/** Reads a `postgresql://` URL. Throws `InvalidUrl`. */
export function readDatabaseUrl(text: string): DatabaseAddress {
  const { scheme, parameters, hosts, ...url } = readServerUrl(text)
  if (!/^postgres(ql)?$/.test(scheme)) throw new InvalidUrl('must begin with postgresql://')
  const unknown = [...parameters.keys()].find((name) => !readParameters.has(name) && !ignoredParameters.has(name))
  if (unknown !== undefined)
    throw new InvalidUrl(`has the parameter ${shown(unknown)}, which is not known here: remove it`)

  const [first, ...others] = hosts
  const host = parameters.get('host') ?? first?.name
  if (others.length > 0 || (!host?.startsWith('/') && host?.includes(','))) throw new InvalidUrl(oneHost)
  mustBeOneOf(parameters, 'target_session_attrs', ['any', 'read-write', 'primary'])
  const port = parameters.get('port')
  return {
    user: parameters.get('user') ?? url.user,
    password: parameters.get('password') ?? url.password,
    host: host || undefined,
    port: port === undefined ? first?.port : readPort(port),
    database: parameters.get('dbname') ?? url.path,
    schema: readSchema(parameters),
    options: parameters.get('options'),
    applicationName: parameters.get('application_name'),
    tls: host?.startsWith('/') ? 'off' : readTls(parameters),
    bindsChannel: !['disable', undefined].includes(mustBeOneOf(parameters, 'channel_binding', channelBindings)),
    ignored: [...parameters.keys()].filter((name) => ignoredParameters.has(name))
  }
}

function readSchema(parameters: ReadonlyMap<string, string>): string | undefined {
  const schema = parameters.get('schema')
  if (schema === undefined) return undefined
  const bytes = new TextEncoder().encode(schema).length
  // PostgreSQL would cut a longer name off, and then not find it.
  if (bytes === 0 || bytes > 63 || schema.includes('\0')) {
    throw new InvalidUrl('must have a schema= of 1 to 63 bytes')
  }
  if (/^(pg_|information_schema$)/.test(schema)) {
    throw new InvalidUrl(
      "must have a schema= of its own: names that begin with pg_, and information_schema, are PostgreSQL's"
    )
  }
  return schema
}

/**
 * As pg 8 reads it: `prefer`, `require` and `verify-ca` check as much as `verify-full`, except with `uselibpqcompat=true`,
 * when they mean what they mean in libpq. But none of them ever falls back to a connection without TLS.
 */
function readTls(parameters: ReadonlyMap<string, string>): DatabaseAddress['tls'] {
  const mode = mustBeOneOf(parameters, 'sslmode', sslModes) ?? modeOf(parameters)
  const isDirect = mustBeOneOf(parameters, 'sslnegotiation', ['postgres', 'direct']) === 'direct'
  const files = {
    rootCertificate: parameters.get('sslrootcert'),
    certificate: parameters.get('sslcert'),
    key: parameters.get('sslkey')
  }
  const wantsTls = isDirect || Object.values(files).some((file) => file !== undefined)
  if (mode === 'disable' && wantsTls)
    throw new InvalidUrl('has sslmode=disable and parameters of TLS: remove one of them')
  if (mode === 'disable') return 'off'
  if (mode === undefined && !wantsTls) return undefined
  const isLibpq = mustBeOneOf(parameters, 'uselibpqcompat', ['true', 'false']) === 'true'
  const verify = mode === 'no-verify' ? 'none' : isLibpq ? libpqVerification(mode, files.rootCertificate) : 'full'
  // `system` is libpq's word for the authorities of the machine.
  const rootCertificate = files.rootCertificate === 'system' ? undefined : files.rootCertificate
  return { ...files, rootCertificate, isDirect, verify }
}

function libpqVerification(mode: string | undefined, rootCertificate: string | undefined): DatabaseTls['verify'] {
  if (rootCertificate === 'system') return 'full'
  if (mode === 'verify-ca' && rootCertificate === undefined) {
    throw new InvalidUrl(
      'has sslmode=verify-ca, which needs sslrootcert= with your authority, or use sslmode=verify-full'
    )
  }
  if (mode === 'verify-ca' || (mode === 'require' && rootCertificate !== undefined)) return 'authority'
  return mode === 'prefer' || mode === 'require' ? 'none' : 'full'
}

/** The `sslmode` that pg's own `ssl` parameter stands for. */
function modeOf(parameters: ReadonlyMap<string, string>): string | undefined {
  const ssl = mustBeOneOf(parameters, 'ssl', ['true', '1', 'false', '0', 'no-verify'])
  if (ssl === undefined || ssl === 'no-verify') return ssl
  return ssl === 'true' || ssl === '1' ? 'verify-full' : 'disable'
}

function mustBeOneOf(parameters: ReadonlyMap<string, string>, name: string, values: readonly string[]) {
  const value = parameters.get(name)
  if (value === undefined || values.includes(value)) return value
  throw new InvalidUrl(`has a ${name} that is not supported: it must be one of ${values.join(', ')}`)
}

/** The name of a parameter, unless it may be a part of a password. */
function shown(name: string): string {
  return /^[a-z_]{1,40}$/i.test(name) ? `"${name}"` : 'with a strange name'
}
