// Runs compiled test files, three at a time, each as a plain Node.js process, and prints TAP. `tap run` puts module
// hooks into each of them, and into every process that they start, which costs more than most of the tests do.
import t from 'tap'

t.jobs = 3
// Each file has a time limit of its own.
t.setTimeout(0)
for (const file of process.argv.slice(2)) {
  // Optimizing PGlite's WebAssembly costs two seconds of CPU, which no test lives long enough to win back.
  const flags = ['--enable-source-maps', '--liftoff-only']
  t.spawn(process.execPath, [...flags, file], { buffered: true, timeout: 180_000 }, file)
}
