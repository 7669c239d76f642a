import type pg from 'pg'

/** The settings of every connection, without Prisma's `schema` parameter, which pg does not know. */
export function connectionTo(databaseUrl: string): { readonly schema: string; readonly connection: pg.ClientConfig } {
  const url = new URL(databaseUrl)
  const schema = url.searchParams.get('schema') ?? 'public'
  const givenOptions = url.searchParams.get('options')
  url.searchParams.delete('schema')
  url.searchParams.delete('options')
  return {
    schema,
    connection: {
      connectionString: url.href,
      application_name: 'latchkey',
      ...(givenOptions !== null && { options: givenOptions })
    }
  }
}
