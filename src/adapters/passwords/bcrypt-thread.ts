import { getPriority, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import bcrypt from 'bcrypt'
import type { BcryptJob } from './bcrypt-threads.js'

/**
 * How much nicer than the process. Threads of the process that want all cores then leave this one a tenth of a core, so
 * logins go on. With 19 it would be a hundredth.
 */
const nicer = 10
const nicest = 19

/** Lets the kernel run the event loop first. Only on Linux does 0 mean this thread, and not the whole process. */
function giveWay(): void {
  if (process.platform !== 'linux') return
  try {
    setPriority(0, Math.min(nicest, getPriority(0) + nicer))
  } catch {
    // The system forbids it: then this thread competes for the cores as libuv's threads do.
  }
}

const compute = ({ password, ...job }: BcryptJob) =>
  'cost' in job ? bcrypt.hashSync(password, job.cost) : bcrypt.compareSync(password, job.hash)

giveWay()
parentPort?.on('message', (job: BcryptJob) => parentPort?.postMessage(compute(job)))
