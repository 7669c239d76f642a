import { PGlite } from '@electric-sql/pglite'
import { type Bounds, type Database, databaseOver } from '../prisma/database.js'
import type { MigrationConnection } from '../prisma/migrations/history.js'
import { migrate, type OpeningOptions, requireMigrated } from '../prisma/migrations/migrate.js'
import { readMigrations } from '../prisma/migrations/migration-files.js'
import { type OpenedCluster, reopeningCluster, stopAtPanic } from './cluster.js'
import { builtTemplate, createCluster, createDataFolder } from './data-folder.js'
import { diskRoom, SyncedFiles } from './disk.js'
import { lockFolder } from './folder-lock.js'
import { clusterAdapter } from './prisma-adapter.js'
import { keepUp } from './upkeep.js'

export interface EmbeddedOptions extends Partial<Omit<Bounds, 'maxRunning'>>, OpeningOptions {
  /** The folder for all data of this service. It is created if it does not exist. */
  readonly dataDir: string
  /** The packed cluster that a new folder starts with; by default the one that the build made. */
  readonly template?: string
  /** While the disk has less room than this, every operation is refused; `diskReserveBytes` by default. */
  readonly reserveBytes?: number
}

/** Far more than the database writes between two checks of the disk. */
export const diskReserveBytes = 32 * 2 ** 20

/** Another process has locked the data folder. */
export class FolderTaken extends Error {
  override readonly name = 'FolderTaken'
}

/**
 * PGlite's own parameters, without its `-F`, which turns fsync off. `wal_sync_method` is fsync because fdatasync, the
 * default, does nothing in WebAssembly. Shared buffers are a tenth of PGlite's: they take this process's memory, and an
 * embedded service reads little. After a checkpoint, at most 32 MB of the log are kept for reuse.
 */
export const startParams = [
  ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'),
  ...[
    'fsync=on',
    'wal_sync_method=fsync',
    'shared_buffers=16MB',
    'max_wal_size=32MB',
    // Its timer would outlive a start that fails, and keep this process and the memory of that start alive.
    'log_startup_progress_interval=0',
    'timezone=UTC'
  ].flatMap((setting) => ['-c', setting])
]

/**
 * Opens the PostgreSQL that runs inside this process, with its data in `dataDir/postgres`, and applies new migrations.
 * Throws `FolderTaken` while another process has locked the folder: two processes on one folder would destroy its data.
 * The lock ends with this process, however the process ends. Every reported change is on the disk: it survives a power
 * cut, if the disk keeps what fsync(2) wrote.
 */
export async function openEmbeddedDatabase(options: EmbeddedOptions): Promise<Database> {
  const { dataDir, template = builtTemplate, reserveBytes = diskReserveBytes } = options
  const { maxWaiting = 500, waitSeconds = 2 } = options
  await createDataFolder(dataDir)
  const lock = await lockFolder(dataDir)
  if (lock === undefined) {
    throw new FolderTaken(
      `Another process has the data folder ${dataDir} open, and two would destroy its data. ` +
        'Stop that process, give this one another folder with DATA_DIR, or let both use one PostgreSQL server with DATABASE_URL.'
    )
  }
  try {
    const folder = await createCluster(dataDir, template)
    const cluster = await reopeningCluster(() => openCluster(folder, options))
    const stopUpkeep = keepUp(cluster)
    return databaseOver({
      kind: 'embedded',
      adapter: clusterAdapter(cluster),
      schema: 'public',
      // PGlite has one connection.
      bounds: { maxRunning: 1, maxWaiting, waitSeconds },
      transactionSeconds: 5,
      // Before reads too: a read may mark rows, which writes to the log.
      admit: diskRoom(dataDir, reserveBytes),
      async close() {
        try {
          await stopUpkeep()
          await cluster.close()
        } finally {
          await lock.release()
        }
      }
    })
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function openCluster(folder: string, options: OpeningOptions): Promise<OpenedCluster> {
  const files = new SyncedFiles(folder, stopAtPanic)
  const abandon = () => files.closeAll()
  try {
    const pglite = await PGlite.create({ fs: files, startParams, relaxedDurability: false })
    const connection: MigrationConnection = {
      schema: 'public',
      script: (sql) => pglite.exec(sql),
      query: (sql, values) => pglite.query(sql, [...values])
    }
    if (options.migrate === false) await requireMigrated(connection, await readMigrations())
    else await migrate(connection, await readMigrations(), options)
    return { pglite, abandon }
  } catch (error) {
    abandon()
    throw error
  }
}
