import { Socket } from 'node:net'

/** Loaded before a service's own modules: it ends with its standard input, so also when the test that started it is killed. */
process.stdin.on('end', () => process.exit()).resume()
// It ends by itself as well, where it has nothing more to do.
if (process.stdin instanceof Socket) process.stdin.unref()
