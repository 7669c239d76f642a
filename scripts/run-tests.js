// Runs compiled test files, each as a plain Node.js process, and prints TAP. `tap run` puts module hooks into each of
// them, and into every process that they start, which costs more than most of the tests do.
import t from 'tap'

const files = process.argv.slice(2)
/** These stop servers, fill disks and take their time for it: one after the other, each as long as it allows itself. */
const areFaults = files.some((file) => /[\\/]faults[\\/]/.test(file))

t.jobs = areFaults ? 1 : 3
const timeout = areFaults ? 3_600_000 : 180_000
// Each file has a time limit of its own.
t.setTimeout(0)
for (const file of files) {
  // Optimizing PGlite's WebAssembly costs two seconds of CPU, which no test lives long enough to win back.
  const flags = ['--enable-source-maps', '--liftoff-only']
  const env = { ...process.env, TAP_TIMEOUT: String(timeout / 1000) }
  t.spawn(process.execPath, [...flags, file], { buffered: true, timeout, env }, file)
}
