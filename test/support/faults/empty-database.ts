import type { Test } from 'tap'
import { serverUrl, testSchema } from '../database.js'
import { cannotRunPostgres, startPostgres } from './postgres-cluster.js'

/** Why there is no server, neither the one of TEST_DATABASE_URL nor one of our own; false where there is. */
export const cannotRunDatabase = serverUrl === undefined && cannotRunPostgres

/** The address of an empty database that goes with `t`. */
export async function emptyDatabase(t: Test): Promise<string> {
  return serverUrl === undefined ? (await startPostgres(t)).url : testSchema(t)
}
