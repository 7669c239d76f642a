import { Socket } from 'node:net'

/** Loaded first in a service process: ends it when its standard input ends, so also when the test process is killed. */
process.stdin.on('end', () => process.exit()).resume()
// Standard input alone does not keep the process alive.
if (process.stdin instanceof Socket) process.stdin.unref()
