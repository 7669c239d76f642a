import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import type pg from 'pg'
import { type DatabaseAddress, type DatabaseTls, readDatabaseUrl } from '../../../addresses/database-url.js'
import { CannotStart } from '../../../ports/errors.js'

/** The settings that name a server. */
export type DatabaseUrlSetting = 'DATABASE_URL' | 'DATABASE_DIRECT_URL'

export interface DatabaseConnection {
  readonly setting: DatabaseUrlSetting
  /** The schema that the URL names; undefined: `ownSchema` chooses it. */
  readonly schema: string | undefined
  readonly connection: pg.ClientConfig
}

/**
 * The settings of every connection to the server of a URL, without those that depend on the use of the connection. Throws
 * `InvalidUrl`, and `CannotStart` if a file of certificates cannot be read; `setting` is where the URL comes from.
 */
export function connectionTo(databaseUrl: string, setting: DatabaseUrlSetting = 'DATABASE_URL'): DatabaseConnection {
  const address = readDatabaseUrl(databaseUrl)
  const { host, port, user, password, database, options, schema } = address
  // pg takes what is not given from the variables PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE.
  const given = Object.entries({ host, port, user, password, database, options }).filter(
    ([, value]) => value !== undefined
  )
  return {
    setting,
    schema,
    connection: {
      ...Object.fromEntries(given),
      application_name: address.applicationName ?? 'latchkey',
      ...(address.bindsChannel && { enableChannelBinding: true }),
      ...tlsSettings(address, setting)
    }
  }
}

/** The same for `DATABASE_DIRECT_URL`. The schema is that of `DATABASE_URL`. */
export function directConnectionTo(directUrl: string, { schema }: DatabaseConnection): DatabaseConnection {
  return { ...connectionTo(directUrl, 'DATABASE_DIRECT_URL'), schema }
}

function tlsSettings({ tls }: DatabaseAddress, setting: DatabaseUrlSetting): pg.ClientConfig {
  if (tls === undefined) return {}
  if (tls === 'off') return { ssl: false }
  const { rootCertificate, certificate, key } = tls
  const read = (name: string, path: string) => {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error'
      throw new CannotStart(`${setting}: the file of ${name}, ${path}, cannot be read (${code}).`, { cause: error })
    }
  }
  return {
    ssl: {
      ...(rootCertificate !== undefined && { ca: read('sslrootcert', rootCertificate) }),
      ...(certificate !== undefined && { cert: read('sslcert', certificate) }),
      ...(key !== undefined && { key: read('sslkey', key) }),
      ...checks[tls.verify]
    },
    ...(tls.isDirect && { sslnegotiation: 'direct' })
  }
}

const checks: Readonly<Record<DatabaseTls['verify'], ConnectionOptions>> = {
  full: {},
  authority: { checkServerIdentity: () => undefined },
  none: { rejectUnauthorized: false }
}
