import { Unavailable } from '../../ports/errors.js'
import type { ServerWatch } from '../../ports/metrics.js'
import type { Database } from './database.js'

/** `database`, whose operations `watch` times and counts. The time of an operation begins when its turn has come. */
export function watchedDatabase(database: Database, watch: ServerWatch): Database {
  return {
    ...database,
    async run(operation) {
      try {
        const result = await database.run((...clients) => watch.time(() => operation(...clients)))
        watch.served()
        return result
      } catch (error) {
        // A fault of the statement, such as a unique violation, is an answer too.
        if (error instanceof Unavailable) watch.failed(error)
        else watch.served()
        throw error
      }
    }
  }
}
