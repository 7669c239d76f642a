import pg from 'pg'

/** The settings of every connection, without Prisma's `schema` parameter, which pg does not know. */
export function connectionTo(databaseUrl: string): { readonly schema: string; readonly connection: pg.ClientConfig } {
  const url = new URL(databaseUrl)
  const schema = url.searchParams.get('schema') ?? 'public'
  const givenOptions = url.searchParams.get('options') ?? ''
  url.searchParams.delete('schema')
  url.searchParams.delete('options')
  return {
    schema,
    connection: {
      connectionString: url.href,
      application_name: 'latchkey',
      // Prisma reads and writes times without their offset, which is right only if the session's time zone is UTC.
      options: `${givenOptions} -c TimeZone=UTC -c search_path=${pg.escapeIdentifier(schema)}`.trim()
    }
  }
}
