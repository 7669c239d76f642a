import { PGlite } from '@electric-sql/pglite'
import { type Database, databaseOver } from '../prisma/database.js'
import { migrate, readMigrations } from '../prisma/migrations.js'
import { builtTemplate, makeCluster, makeDataFolder } from './data-folder.js'
import { diskRoom } from './disk-room.js'
import { embeddedAdapter } from './embedded-adapter.js'
import { keepUp } from './embedded-upkeep.js'
import { lockFolder } from './folder-lock.js'
import { type OpenedCluster, reopeningCluster } from './reopening-cluster.js'
import { SyncedFiles } from './synced-files.js'

export interface EmbeddedOptions {
  /** The folder that holds everything this service keeps; made where it is not there. */
  readonly dataDir: string
  /** The packed cluster that a new folder starts from; by default the one that the build made. */
  readonly template?: string
  readonly waiting?: number
  readonly waitSeconds?: number
  /** While the disk has less room than this, nothing is asked of the database; `diskReserveBytes` by default. */
  readonly reserveBytes?: number
}

/** Far more than the database writes in the second for which the disk's answer is believed. */
export const diskReserveBytes = 32 * 2 ** 20

/** The folder belongs to another process. */
export class FolderTaken extends Error {
  override readonly name = 'FolderTaken'
}

/**
 * PGlite's own parameters, without its `-F`, which turns fsync off. fdatasync, the default, does nothing
 * in there. A tenth of the buffers: they come out of this process's memory, and the working set of an
 * embedded service is small. After a checkpoint, 32 MB of the log at most are kept to be used again.
 */
const startParams = [
  ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'),
  ...[
    'fsync=on',
    'wal_sync_method=fsync',
    'shared_buffers=16MB',
    'max_wal_size=32MB',
    // The timer of it would outlive a start that fails, and with it this process and all memory of that start.
    'log_startup_progress_interval=0',
    'timezone=UTC'
  ].flatMap((setting) => ['-c', setting])
]

/**
 * Opens the PostgreSQL that runs inside this process, with its data in `dataDir/postgres`, and
 * brings its schema up to date. Throws `FolderTaken` while another process has the folder: two on
 * one folder would destroy its data. The folder is free again as soon as this process has ended,
 * however it ended. A change is on the disk before it is told of: it outlives a power cut wherever the
 * disk keeps what fsync(2) gave it.
 */
export async function openEmbeddedDatabase(options: EmbeddedOptions): Promise<Database> {
  const { dataDir, template = builtTemplate, waiting = 500, waitSeconds = 2, reserveBytes = diskReserveBytes } = options
  await makeDataFolder(dataDir)
  const lock = await lockFolder(dataDir)
  if (lock === undefined) {
    throw new FolderTaken(
      `Another process has the data folder ${dataDir} open, and two would destroy its data. ` +
        'Stop that process, give this one another folder with DATA_DIR, or let both use one PostgreSQL server with DATABASE_URL.'
    )
  }
  try {
    const folder = await makeCluster(dataDir, template)
    const cluster = await reopeningCluster(() => openCluster(folder))
    const stopUpkeep = keepUp(cluster)
    return databaseOver({
      kind: 'embedded',
      adapter: embeddedAdapter(cluster),
      // There is one connection.
      bounds: { inFlight: 1, waiting, waitSeconds },
      transactionSeconds: 5,
      // Reading too: it may mark rows, which goes through the log.
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

async function openCluster(folder: string): Promise<OpenedCluster> {
  const files = new SyncedFiles(folder)
  const abandon = () => files.closeAll()
  try {
    const pglite = await PGlite.create({ fs: files, startParams, relaxedDurability: false })
    await migrate(
      { script: (sql) => pglite.exec(sql), query: (sql, values) => pglite.query(sql, [...values]) },
      await readMigrations()
    )
    return { pglite, abandon }
  } catch (error) {
    abandon()
    throw error
  }
}
