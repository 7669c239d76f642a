import type { Test } from 'tap'
import { serverUrl, testSchema } from '../database.js'
import { cannotRunPostgres, startPostgres } from './postgres-cluster.js'

/** Why neither the server of TEST_DATABASE_URL nor our own can be used; false if one can. */
export const cannotRunDatabase = serverUrl === undefined && cannotRunPostgres

/** The URL of an empty database or schema, deleted when `t` ends. */
export async function emptyDatabase(t: Test): Promise<string> {
  return serverUrl === undefined ? (await startPostgres(t)).url : testSchema(t)
}
